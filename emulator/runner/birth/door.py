"""
How a user's command (shell/helper.py) enters a runner that is isolated from other programs (landlock.py) and that no
outside process can enter: an idle process of the runner, created before any user code, starts a helper for each
command.

User code can reach it like everything else in the runner. So its output is trusted no more than the runner's output,
and it is sent nothing that the runner doesn't have.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import time

from ..shared import descriptors, kernel
from ..shell import helper

_CHUNK = 64 * 1024
_RUNNERS_END_SECONDS = 3.0
_LENGTH = struct.Struct(">I")
ENDED = b"e"
"""The last message of a helper."""


def make(name: str, keeper: int) -> None:
    """
    Called in a new runner, once it is in its world. `name`: can't be guessed; `go_through` takes it. `keeper`: the
    runner's parent. Raises OSError.
    """
    server = socket.socket(socket.AF_UNIX)
    server.bind(_address(name))
    server.listen()
    # Not a child of the runner: children belong to user code, which may wait for all of them.
    if kernel.fork_sibling() == 0:
        try:
            kernel.die_with_parent(signal.SIGKILL, keeper)
            _keep(server)
        finally:
            os._exit(0)
    server.close()


def go_through(name: str, runner: int, sent: bytes) -> None:
    """
    Runs in the helper that the emulator started. A helper in the `runner`, the process that called `make`, takes over
    input and output, with what was `sent` already. Waits for its end, and ends it with this process. Raises OSError.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(_address(name))
            process, user = _peer(connection)
            # The system lists the name, so another runner's program may take it when our process has ended. Where a
            # filter suspends each `listen`, the keeper executed it (notify.py).
            is_the_runners = process in (runner, kernel.parent(runner)) and user == os.getuid()
        except (ConnectionError, FileNotFoundError):
            is_the_runners = False
        if not is_the_runners:
            raise OSError("the runner is gone, or has ended the process by which commands come in")
        socket.send_fds(connection, [_LENGTH.pack(len(sent))], [0, 1])
        connection.sendall(sent)
        _let_go()
        if connection.recv(1) != ENDED:
            # Killed: if by the end of the runner, the emulator is notified of that, and ends us with the runner.
            time.sleep(_RUNNERS_END_SECONDS)


def _address(name: str) -> str:
    return "\0minifal-" + name


def _peer(connection: socket.socket) -> tuple[int, int]:
    """
    Process and user of the peer: the one that connected or, seen from the client, the one that created the server.
    """
    process, user, _ = struct.unpack("=iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return process, user


def _let_go() -> None:
    """The descriptors of the standard streams."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)


def _keep(server: socket.socket) -> None:
    os.setsid()
    _let_go()
    descriptors.close_all_but({0, 1, 2, server.fileno()})
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # No process waits for the helpers.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        connection, _ = server.accept()
        with connection:
            try:
                if _peer(connection)[1] == os.getuid() and os.fork() == 0:
                    server.close()
                    _help(connection)
            except OSError:
                continue  # No process more is allowed.


def _help(connection: socket.socket) -> None:
    try:
        length, streams, _, _ = socket.recv_fds(connection, _LENGTH.size, 2)
        for fd, stream in zip(streams, (0, 1)):
            os.dup2(fd, stream)
            os.close(fd)
        (left,) = _LENGTH.unpack(length)
        sent = bytearray()
        while len(sent) < left and (more := connection.recv(min(_CHUNK, left - len(sent)))):
            sent += more
        helper.take_over(bytes(sent), connection.fileno())
    finally:
        os._exit(0)
