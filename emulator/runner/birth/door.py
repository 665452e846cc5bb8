"""
How a command of a person (shell.py) comes into a runner that is kept away from other programs (landlock.py), which
nothing can enter from outside: an idle process of the runner, made before any user code, starts a helper for each.

It is as much within reach of user code as all else in the runner. What comes from there is no more than what the runner
says, and what goes there is no more than what the runner has.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import time

from ..shared import descriptors, kernel
from ..shell import shell

_CHUNK = 64 * 1024
_RUNNERS_END_SECONDS = 3.0
_LENGTH = struct.Struct(">I")
ENDED = b"e"
"""What a helper says last."""


def make(name: str, keeper: int) -> None:
    """
    In a new runner, when it is in its world. `name`: can't be guessed; it goes to `go_through`. `keeper`: the runner's
    parent. Raises OSError.
    """
    server = socket.socket(socket.AF_UNIX)
    server.bind(_address(name))
    server.listen()
    # No child of the runner's: those are user code's, which may wait for all of them.
    if kernel.fork_sibling() == 0:
        try:
            kernel.die_with_parent(signal.SIGKILL, keeper)
            _keep(server)
        finally:
            os._exit(0)
    server.close()


def go_through(name: str, runner: int, said: bytes) -> None:
    """
    In the helper that the emulator started: one in the `runner`, the process that called `make`, takes over what comes
    in and goes out, with what was `said` already. Waits for its end, and ends it with this process. Raises OSError.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(_address(name))
            process, user = _peer(connection)
            # The name can be read in a list, and another runner's program may take it when ours has ended. Where a
            # filter holds up each `listen`, the keeper carried it out (notify.py).
            is_the_runners = process in (runner, kernel.parent(runner)) and user == os.getuid()
        except (ConnectionError, FileNotFoundError):
            is_the_runners = False
        if not is_the_runners:
            raise OSError("the runner is gone, or has ended the process by which commands come in")
        socket.send_fds(connection, [_LENGTH.pack(len(said))], [0, 1])
        connection.sendall(said)
        _let_go()
        if connection.recv(1) != ENDED:
            # Killed: if by the end of the runner, the emulator hears of that, and ends us as the runner's.
            time.sleep(_RUNNERS_END_SECONDS)


def _address(name: str) -> str:
    return "\0minifal-" + name


def _peer(connection: socket.socket) -> tuple[int, int]:
    """Process and user that connected or, on the other side, made the server."""
    process, user, _ = struct.unpack("=iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return process, user


def _let_go() -> None:
    """Of the standard streams."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)


def _keep(server: socket.socket) -> None:
    os.setsid()
    _let_go()
    descriptors.close_all_but({0, 1, 2, server.fileno()})
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Nobody waits for the helpers.
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
        said = bytearray()
        while len(said) < left and (more := connection.recv(min(_CHUNK, left - len(said)))):
            said += more
        shell.take_over(bytes(said), connection.fileno())
    finally:
        os._exit(0)
