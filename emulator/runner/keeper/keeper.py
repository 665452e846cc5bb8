"""
The keeper: one small process between the supervisor and each runner, so that nothing a runner started outlives it.

It is the subreaper of everything below it. When the runner's main process ends, or the supervisor dies, it kills all
remaining processes, also those in a session of their own. It runs no user code and has no connection to it.
"""

from __future__ import annotations

import os
import signal

from ..shared import kernel
from ..shared.loop import Loop

_CHUNK = 4096


def keep(main: int, status_fd: int, supervisor: int, servers) -> None:
    """
    Waits for the runner's main process, ends the processes that it left behind, and reports its wait status; doesn't
    return. `servers` (servers.py) handles the runner's servers meanwhile.
    """
    code = 1
    try:
        for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(ignored, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: kill_group(main))
        woken = _wake_by_children()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        kernel.die_with_parent(signal.SIGTERM, supervisor)
        loop = Loop()
        loop.watch(woken, lambda: os.read(woken, _CHUNK))
        servers.begin(loop, lambda *words: _report(status_fd, main, words))
        while (status := reap(main)) is None:
            try:
                loop.turn(servers.turn())
            except Exception as error:
                # A bug: the runner must not run without its server handling.
                why = f"its servers could not be monitored ({type(error).__name__}: {error})"
                _report(status_fd, main, ("violation", why))
                break
        status = wait_for(main) if status is None else status
        servers.close()
        sweep(main)
        _report(status_fd, main, ("ended", status))
        code = 0
    finally:
        os._exit(code)


def _report(status_fd: int, main: int, words: tuple) -> None:
    """Sends a line to the supervisor; after a violation, the runner ends at once."""
    if words[0] == "violation":
        kill_group(main)
    os.write(status_fd, " ".join(map(str, words)).replace("\n", " ").encode(errors="replace") + b"\n")


def _wake_by_children() -> int:
    """A descriptor that becomes readable when a child has ended."""
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return woken


def reap(main: int) -> int | None:
    """
    Reaps every child that has ended, including adopted orphans; returns the wait status of `main` if it is among them.
    """
    ended = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return signal.SIGKILL if ended is None else ended
        if pid == 0:
            return ended
        if pid == main:
            ended = status


def wait_for(main: int) -> int:
    """Waits until `main`, which was killed, has ended."""
    while True:
        try:
            pid, status = os.waitpid(-1, 0)
        except ChildProcessError:
            return signal.SIGKILL
        if pid == main:
            return status


def kill_group(main: int) -> None:
    """SIGKILL to the process and to the group that it leads."""
    for kill in (os.killpg, os.kill):
        try:
            kill(main, signal.SIGKILL)
        except OSError:
            pass


def sweep(main: int = 0) -> None:
    """Kills the rest of the group `main` and every descendant; each death makes the next generation our children."""
    if main:
        try:
            os.killpg(main, signal.SIGKILL)
        except OSError:
            pass
    while True:
        children = kernel.children()
        killed = kill_all(children)
        try:
            # Reap all that have ended in one pass: a pass per child would take quadratic time.
            reaped = os.waitpid(-1, 0 if killed else os.WNOHANG)[0]
            while reaped:
                reaped = os.waitpid(-1, os.WNOHANG)[0]
        except ChildProcessError:
            return
        if not killed and (children or not kernel.LINUX):
            return


def kill_all(pids) -> list[int]:
    """SIGKILL to each process; returns those that were signaled. Processes that changed to another user can't be."""
    killed = []
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
        except OSError:
            pass
    return killed


def kill_others(known: set[int]) -> None:
    """
    Kills the children of this process that aren't `known`, and all their descendants: each death makes the next
    generation our children.
    """
    while True:
        killed = kill_all(pid for pid in kernel.children() if pid not in known)
        for pid in killed:
            os.waitpid(pid, 0)
        if not killed:
            return
