"""
Answers the system calls that a filter (seccomp.py) suspends, so that every TCP server of a runner, in any language,
listens on the runner's own addresses, and the runner's clients find it where they expect it.

The contents of a caller's memory may change while we read them, and so may the meaning of its descriptors. So no server
is checked and then allowed to continue: we work on a duplicate of the caller's socket and a copy of its address, and we
execute every `bind` and `listen` ourselves, whatever the kind of socket. No socket listens before its address was
checked, however it was bound. Only connections are made by their callers, if they lead to no server of the runner.
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import select
import socket
import struct
from typing import Callable, NamedTuple, NoReturn

from ..shared import addresses
from ..shared.addresses import Addresses
from . import calls, sockets, unix_bind
from .calls import Call
from .seccomp import MACHINE

_MAX_WAITING = 256
"""Maximum number of pending calls; each takes one of our descriptors."""
_ANY = ("0.0.0.0", "::")
_COMPARING = ("node", "nodejs")
"""Programs whose servers (Node's cluster) fail if they find themselves on a port that they did not ask for."""


class _Later(Exception):
    """The answer follows when the connection is established, or when the child process has done the work."""


class _Waiting(NamedTuple):
    id: int
    """The call's id."""
    opened: socket.socket | io.FileIO
    """Our descriptor that signals the result."""
    result: Callable[[], int]


class Notifier:
    """
    Serves one tree of processes, of which this process must be an ancestor. An event loop watches `fileno()` and calls
    `turn`. `on_listen(host, port)` is called after each `listen` of a TCP socket. It never blocks, and no action of a
    caller ends it or makes it grow without bound. Closes `filter_fd` when it closes.
    """

    def __init__(self, filter_fd: int, own: Addresses, on_listen):
        self._filter = filter_fd
        self._own = own
        self._on_listen = on_listen
        self._moved: dict[tuple[str, int], int] = {}
        """(address, requested port) -> port, if another program of the machine has that port on all addresses."""
        self._waiting: dict[int, _Waiting] = {}
        """By the descriptor that we opened."""
        self._ready = select.epoll()
        self._ready.register(filter_fd, select.EPOLLIN)
        calls.open_conversation(filter_fd)

    def fileno(self) -> int:
        return self._ready.fileno()

    def turn(self) -> bool:
        """Answers what can be answered now. False: no process is left below the filter."""
        for fd, events in self._ready.poll(0):
            if fd in self._waiting:
                self._finish(fd)
            elif events & select.EPOLLIN:
                self._take()
            elif events & (select.EPOLLHUP | select.EPOLLERR):
                return False
        return True

    def close(self) -> None:
        for waiting in self._waiting.values():
            waiting.opened.close()
        self._ready.close()
        os.close(self._filter)

    def _take(self) -> None:
        try:
            call = calls.receive(self._filter)
            calls.answer(self._filter, call.id, self._check(call))
        except (calls.Gone, _Later):
            pass

    def _check(self, call: Call) -> int | None:
        """Returns the `result` for `calls.answer`."""
        try:
            if call.number == MACHINE.listen:
                with calls.socket_of(self._filter, call) as sock:
                    return self._listen(sock, calls.signed(call.second))
            raw = calls.address_of(call)
            if call.number == MACHINE.connect:
                return self._connect(call, raw)
            with calls.socket_of(self._filter, call) as sock:
                return self._bind(call, sock, raw)
        except OSError as error:
            # A client that can't be inspected connects unchanged; a server that can't be inspected doesn't listen.
            return None if call.number == MACHINE.connect else error.errno or errno.EACCES

    # Servers

    def _bind(self, call: Call, sock: socket.socket, raw: bytes) -> int | None:
        if sock.family == socket.AF_UNIX and unix_bind.is_path(raw):
            self._bind_path(call, sock, raw)
        if not sockets.is_tcp(sock):
            # UDP sockets keep the address that they ask for.
            return sockets.bind_raw(sock, raw)
        host, port, scope = _parsed(raw, sock.family)
        if addresses.is_debuggers(host, port):
            return sockets.bind(sock, "127.0.0.1", port)
        if port == 0 and host in _ANY and not sockets.is_reused(sock):
            # Most of these are clients, which could reach no other machine from loopback. `_listen` moves the others.
            return sockets.bind(sock, host, 0)
        if not addresses.is_local(host, scope):
            return errno.EADDRNOTAVAIL
        address = self._own.of(sock.family, host, sockets.takes_only_v6(sock))
        real = port if calls.program_of(call) in _COMPARING else self._real(address, port)
        result = sockets.bind(sock, address, real)
        if result == errno.EADDRINUSE and real == port and addresses.is_everywhere(port):
            # Another program of this machine has the port on all addresses. In a runner the port counts as free.
            result = sockets.bind(sock, address, 0)
            if result == 0:
                self._moved[address, port] = sock.getsockname()[1]
        if result == errno.EINVAL and self._own.owns(sock.getsockname()[0]):
            # Before Linux 5.19 a signal makes the call arrive twice.
            return 0
        return result

    def _bind_path(self, call: Call, sock: socket.socket, raw: bytes) -> NoReturn:
        if len(self._waiting) >= _MAX_WAITING:
            raise OSError(errno.EAGAIN, "too many wait")
        reader = unix_bind.start(sock, raw, call.thread, lambda: calls.is_waiting(self._filter, call.id))
        pipe = open(reader, "rb", buffering=0)

        def result() -> int:
            answer = pipe.read(1)
            return answer[0] if answer else errno.EACCES

        self._wait(call, pipe, select.EPOLLIN, result)

    def _listen(self, sock: socket.socket, backlog: int) -> int:
        if sock.family == socket.AF_UNIX:
            return sockets.listen(sock, backlog)
        if not sockets.is_tcp(sock):
            return errno.EOPNOTSUPP
        host, port = sock.getsockname()[:2]
        if host in _ANY:
            # Never bound, or bound to all addresses: moved with its port, which the app may already know.
            if port != 0:
                sockets.unbind(sock, self._own.v4)
            result = sockets.bind(sock, self._own.of(sock.family, host, sockets.takes_only_v6(sock)), port)
            if result != 0:
                return result
        if not self._may_listen(sock):
            return errno.EACCES
        result = sockets.listen(sock, backlog)
        if result != 0:
            return result
        if not self._may_listen(sock):
            # Reached only by a process that races with us on purpose.
            sock.shutdown(socket.SHUT_RDWR)
            return errno.EACCES
        host, port = sock.getsockname()[:2]
        self._on_listen(addresses.plain(host), port)
        return 0

    def _may_listen(self, sock: socket.socket) -> bool:
        host, port = sock.getsockname()[:2]
        return self._own.owns(host) or (host == "127.0.0.1" and addresses.is_debuggers(host, port))

    # Clients

    def _connect(self, call: Call, raw: bytes) -> int | None:
        host, port, scope = _parsed(raw)
        found = self._find(host, port)
        if found is None or not (addresses.is_loopback(host) or addresses.is_local(host, scope)):
            return None
        with calls.socket_of(self._filter, call) as sock:
            if not sockets.is_tcp(sock):
                return None
            waits = not fcntl.fcntl(sock, fcntl.F_GETFL) & os.O_NONBLOCK
            if waits and len(self._waiting) >= _MAX_WAITING:
                return errno.EAGAIN
            # From the runner's own address, by which its servers recognize its calls.
            sockets.bind_client(sock, self._own.v4)
            result = sockets.connect(sock, *found)
            if not waits or result not in (errno.EINPROGRESS, errno.EALREADY):
                return result
            kept = sock.dup()
            # The caller shares the open file: closing our descriptor would not end the connection.
            self._wait(call, kept, select.EPOLLOUT, lambda: kept.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))

    def _find(self, host: str, port: int) -> tuple[str, int] | None:
        """
        The runner's server that a client looks for at this address; None: the runner has none, the machine may have
        one.
        """
        if self._own.owns(host):
            return host, port
        if addresses.is_debuggers(host, port):
            return None
        for address in self._own.towards(host):
            for real in {self._real(address, port), port}:
                if addresses.is_own(address, real):
                    return address, real
        return None

    def _real(self, address: str, port: int) -> int:
        return self._moved.get((address, port), self._own.given.get(port, port))

    # Delayed answers

    def _wait(self, call: Call, opened: socket.socket | io.FileIO, event: int, result: Callable[[], int]) -> NoReturn:
        self._waiting[opened.fileno()] = _Waiting(call.id, opened, result)
        self._ready.register(opened, event)
        raise _Later

    def _finish(self, fd: int) -> None:
        waiting = self._waiting.pop(fd)
        self._ready.unregister(fd)
        with waiting.opened:
            result = waiting.result()
        calls.answer(self._filter, waiting.id, result)


def _parsed(raw: bytes, socket_family: int | None = None) -> tuple[str, int, int]:
    """
    Host, port and scope. `socket_family`: the family of the socket, which may have an address of another family only if
    that is an old way to say "any". Raises OSError, as `bind` would.
    """
    (family,) = struct.unpack_from("=H", raw)
    if family == socket.AF_UNSPEC and socket_family == socket.AF_INET and not any(raw[4:8]):
        family = socket.AF_INET
    if socket_family is not None and family != socket_family:
        raise OSError(errno.EAFNOSUPPORT, "an address of another family")
    if family == socket.AF_INET and len(raw) >= 16:
        return socket.inet_ntop(family, raw[4:8]), struct.unpack_from(">H", raw, 2)[0], 0
    if family == socket.AF_INET6 and len(raw) >= 24:
        scope = struct.unpack_from("=I", raw, 24)[0] if len(raw) >= 28 else 0
        return socket.inet_ntop(family, raw[8:24]), struct.unpack_from(">H", raw, 2)[0], scope
    raise OSError(errno.EINVAL, "no address of the internet")
