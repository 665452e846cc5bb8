"""
The helper of a command in a runner. It enters the runner's namespaces, or a process of the runner takes over (door.py),
and passes bytes between the emulator and the command's terminal or pipes. What the command left in the background
keeps running until stdin ends, which is when the runner ends.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket

from ..birth import rootfs
from ..keeper import keeper
from ..shared import descriptors, kernel
from .command import CANNOT_EXECUTE, start
from .streams import CHUNK, HIGH_WATER, Ends, Incoming, send


def main() -> None:
    from ..birth import door  # It imports this module.

    emulator = os.getppid()
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: _end_all())
    descriptors.close_all_but({0, 1, 2})
    kernel.become_subreaper()
    incoming = Incoming()
    frames: list[tuple[bytes, bytes]] = []
    sent = b""
    while not frames:
        data = incoming.take()
        sent += data
        frames = incoming.feed(data)
        if incoming.ended:
            return
    config = json.loads(frames.pop(0)[1])
    if config["door"] is not None:
        kernel.die_with_parent(signal.SIGTERM, emulator)
        door.go_through(config["door"], config["pid"], sent)
        return
    _enter(config)
    # Entering a user namespace clears the signal that is sent at the parent's death, so it is requested only now.
    kernel.die_with_parent(signal.SIGTERM, emulator)
    _run(config, incoming, frames, _is_filtered(config), None)


def take_over(sent: bytes, gone: int) -> None:
    """
    In a process of the runner: does what `main` does, with what the emulator `sent` already. `gone` becomes readable
    when the command is no longer wanted.
    """
    for ignored in (signal.SIGHUP, signal.SIGPIPE):
        signal.signal(ignored, signal.SIG_IGN)
    kernel.become_subreaper()
    incoming = Incoming()
    frames = incoming.feed(sent)
    config = json.loads(frames.pop(0)[1])
    # The process already has the runner's system-call filter.
    carefully(lambda: (_fit(config), _run(config, incoming, frames, False, gone)))


def carefully(act) -> None:
    """Reports failures as errors of the command itself."""
    try:
        act()
    except OSError as error:
        try:
            send(b"2", f"minifal: The command can't run in this runner: {error}\n".encode())
            send(b"x", b"%d" % CANNOT_EXECUTE)
        except OSError:
            # The emulator is gone.
            pass
        keeper.sweep()
        os._exit(1)


def _run(config: dict, incoming: Incoming, frames: list[tuple[bytes, bytes]], filtered: bool, gone: int | None) -> None:
    """Starts the command and serves it. `filtered`: it needs a filter of its own. `gone`: see `take_over`."""
    signal.signal(signal.SIGTERM, lambda *_: _end_all())
    ends = Ends(config["tty"])
    ends.resize(*config["size"])
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    hand, childs_hand = socket.socketpair() if filtered else (None, None)
    child = start(config, ends, childs_hand)
    for fd in set(ends.theirs):
        os.close(fd)
    loop = _watch_servers(config, hand, childs_hand)
    for frame in frames:
        ends.apply(*frame)
    _pump(child, ends, incoming, woken, loop, gone)
    if gone is not None:
        _report_end(gone)
    _end_all()


def _is_filtered(config: dict) -> bool:
    """
    Whether a system-call filter keeps the servers of the runner, and so of the command, on the runner's own addresses.
    """
    return json.loads(config["env"]["MINIFAL_RUNNER"])["filtered"]


def _watch_servers(config: dict, hand, childs_hand):
    """A loop that handles the command's servers; None: not needed. The runner's keeper doesn't handle the command's."""
    if hand is None:
        return None
    from ..keeper import servers
    from ..shared import addresses, loop

    childs_hand.close()
    own = addresses.Addresses.described(json.loads(config["env"]["MINIFAL_RUNNER"])["own"])
    made = loop.Loop()
    servers.Placed(hand, own).begin(made, lambda *_: None)
    return made


def _report_end(gone: int) -> None:
    from ..birth import door  # It imports this module.

    try:
        os.write(gone, door.ENDED)
    except OSError:
        pass  # The other side is gone.


def _pump(child: int, ends: Ends, incoming: Incoming, woken: int, servers, gone: int | None) -> None:
    """Runs until the emulator ends the input, or until no process of the command is left."""
    while True:
        ends.write()
        reading = [woken, *ends.outputs, *(one for one in (servers, gone) if one is not None)]
        if len(ends.pending) < HIGH_WATER:
            reading.append(0)
        readable, _, _ = select.select(reading, [ends.input] if ends.pending else [], [])
        if woken in readable:
            os.read(woken, CHUNK)
            status, left = _reap(child)
            if status is not None:
                ends.close()
                code = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
                send(b"x", b"%d" % code)
            if not left:
                return
        if gone in readable:
            return
        if servers in readable:
            servers.turn(0)
        for fd in [fd for fd in readable if fd in ends.outputs]:
            ends.read(fd)
        if 0 in readable:
            for frame in incoming.read():
                ends.apply(*frame)
            if incoming.ended:
                return


def _reap(child: int) -> tuple[int | None, bool]:
    """The wait status of `child` if it has ended, and whether any process is left."""
    ended = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended, False
        if pid == 0:
            return ended, True
        if pid == child:
            ended = status


def _enter(config: dict) -> None:
    """Adapts `env` to the world that the runner is in."""
    if "folders" not in config["missing"]:
        rootfs.join(config["pid"], config["appDir"])
    _fit(config)


def _fit(config: dict) -> None:
    """Like `_enter`, for a process that is already in that world."""
    os.chdir("/app" if "folders" not in config["missing"] else config["appDir"])
    config["env"] = rootfs.fitting(config["env"], config["dataDir"], config["missing"])


def _end_all() -> None:
    keeper.sweep()
    os._exit(0)
