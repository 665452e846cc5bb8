"""
The keeper: one small process between the supervisor and each runner, so that nothing a runner started outlives it.

It is the subreaper of everything below it. When the runner's main process ends, or the supervisor dies, it kills all
that is left, also processes that made a session of their own. It runs no user code and holds no connection to it.
"""

from __future__ import annotations

import os
import signal

from . import kernel


def keep(main: int, status_fd: int, supervisor: int) -> None:
    """Waits for the runner's main process, ends what it left behind, reports its wait status; doesn't return."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(ignored, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: kill_group(main))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        kernel.die_with_parent(signal.SIGTERM, supervisor)
        status = wait_for(main)
        sweep(main)
        os.write(status_fd, b"%d\n" % status)
        code = 0
    finally:
        os._exit(code)


def wait_for(main: int) -> int:
    """Reaps every orphan that comes in; returns the wait status of `main`."""
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
    """Kills the rest of the group `main` and every descendant; each death hands the next generation to us."""
    if main:
        try:
            os.killpg(main, signal.SIGKILL)
        except OSError:
            pass
    while True:
        children = kernel.children()
        killed = kill_all(children)
        try:
            # One look for all that can be reaped now: looking once per child would take quadratic time.
            reaped = os.waitpid(-1, 0 if killed else os.WNOHANG)[0]
            while reaped:
                reaped = os.waitpid(-1, os.WNOHANG)[0]
        except ChildProcessError:
            return
        if not killed and (children or not kernel.LINUX):
            return


def kill_all(pids) -> list[int]:
    """SIGKILL to each; those that it reached. What became another user's is out of reach."""
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
    Kills the children of this process that aren't `known`, and all below them: each death hands the next generation to
    us.
    """
    while True:
        killed = kill_all(pid for pid in kernel.children() if pid not in known)
        for pid in killed:
            os.waitpid(pid, 0)
        if not killed:
            return
