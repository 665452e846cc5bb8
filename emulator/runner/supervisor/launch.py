"""Forks a runner's keeper, which forks the runner."""

from __future__ import annotations

import os
import signal
import socket
from typing import NamedTuple

from ..birth import birth
from ..keeper import keeper, servers
from ..shared import kernel
from ..shared.board import Board


class Launched(NamedTuple):
    keeper: int
    """The keeper's process id."""
    channel: socket.socket
    stdout: int
    stderr: int
    status: int
    """
    The keeper writes lines of words: `main PID` first, `ended STATUS` last, and between them the reports of servers.py.
    """
    board: Board | None
    """None for a runner that is started as a new program."""


def launch(config: dict, drop_descriptors) -> Launched:
    """
    Raises OSError, and leaves nothing behind in that case. `drop_descriptors(keep)` closes all others in a forked
    process. In the new runner this call ends by raising `birth.Become`.
    """
    opened: list[int] = []
    board = Board() if config["startMethod"] == "fork" else None
    try:
        ours, theirs = (end.detach() for end in socket.socketpair())
        opened += [ours, theirs]
        for _ in range(3):
            opened += os.pipe()
        # A new process still has our SIGTERM handler, which would act on our connection.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        pid = os.fork()
    except OSError:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        for fd in opened:
            os.close(fd)
        raise
    _, _, out, out_theirs, err, err_theirs, status, status_theirs = opened
    if pid == 0:
        _be_keeper({**config, "board": board}, drop_descriptors, theirs, (out_theirs, err_theirs), status_theirs)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    for fd in (theirs, out_theirs, err_theirs, status_theirs):
        os.close(fd)
    return Launched(pid, socket.socket(fileno=ours), out, err, status, board)


def _be_keeper(config: dict, drop_descriptors, channel: int, outputs: tuple[int, int], status: int) -> None:
    """Runs in the forked process and never returns."""
    supervisor, ourselves = os.getppid(), os.getpid()
    try:
        drop_descriptors({0, 1, 2, channel, *outputs, status})
        kernel.become_subreaper()
        hand, runners_hand = socket.socketpair()
        main = os.fork()
        if main == 0:
            os.close(status)
            hand.close()
            birth.become(config, socket.socket(fileno=channel), outputs, ourselves, runners_hand)
        runners_hand.close()
        for fd in (channel, *outputs):
            os.close(fd)
        os.write(status, b"main %d\n" % main)
        keeper.keep(main, status, supervisor, servers.looked_after(config, hand))
    except Exception:
        os._exit(1)
