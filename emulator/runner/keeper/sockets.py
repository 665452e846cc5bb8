"""What notify.py does with another process's socket. Results are error numbers, 0 for success. No function blocks."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import struct

from ..shared import addresses, kernel

_IP_BIND_ADDRESS_NO_PORT = 24
_NOBODYS_PORT = 1
_UNSPECIFIED = struct.pack("=H", socket.AF_UNSPEC) + bytes(26)


def is_tcp(sock: socket.socket) -> bool:
    """Whether it is TCP, or treated as such (MPTCP)."""
    return sock.family in (socket.AF_INET, socket.AF_INET6) and sock.type == socket.SOCK_STREAM


def takes_only_v6(sock: socket.socket) -> bool:
    return sock.family == socket.AF_INET6 and bool(sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))


def bind(sock: socket.socket, host: str, port: int) -> int:
    try:
        _open_to_v4(sock, host)
        sock.bind((_in_family(sock, host), port))
    except OSError as error:
        return error.errno or errno.EINVAL
    return 0


def bind_raw(sock: socket.socket, address: bytes) -> int:
    """Binds to a `struct sockaddr` as it is."""
    return _result(kernel.libc().bind(sock.fileno(), address, len(address)))


def bind_client(sock: socket.socket, host: str) -> None:
    """Binds the socket, unless it is bound. The port is chosen when it connects."""
    if sock.getsockname()[1] == 0:
        try:
            sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        except OSError:
            pass
        bind(sock, host, 0)


def is_reused(sock: socket.socket) -> bool:
    """Whether its address may be reused at once, which servers ask for."""
    options = (socket.SO_REUSEADDR, socket.SO_REUSEPORT)
    return any(sock.getsockopt(socket.SOL_SOCKET, option) for option in options)


def unbind(sock: socket.socket, somewhere: str) -> None:
    """
    For a socket that asked for neither address nor port. The kernel removes both when a connection ends. So this opens
    a connection to `somewhere`, an address on which nothing listens, and ends it.
    """
    connect(sock, somewhere, _NOBODYS_PORT)
    kernel.libc().connect(sock.fileno(), _UNSPECIFIED, len(_UNSPECIFIED))
    sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def listen(sock: socket.socket, backlog: int) -> int:
    return _result(kernel.libc().listen(sock.fileno(), backlog))


def connect(sock: socket.socket, host: str, port: int) -> int:
    """Returns EINPROGRESS if the connection isn't established at once, even if the socket's owner waits for it."""
    if sock.family == socket.AF_INET6:
        _open_to_v4(sock, host)
        packed = socket.inet_pton(socket.AF_INET6, _in_family(sock, host))
        address = struct.pack("=H", sock.family) + struct.pack(">HI", port, 0) + packed + bytes(4)
    else:
        address = struct.pack("=H", sock.family) + struct.pack(">H", port) + socket.inet_aton(host) + bytes(8)
    flags = fcntl.fcntl(sock, fcntl.F_GETFL)
    # The owner shares the open file and its mode. It is waiting for us, so the change is never visible.
    fcntl.fcntl(sock, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    try:
        return _result(kernel.libc().connect(sock.fileno(), address, len(address)))
    finally:
        fcntl.fcntl(sock, fcntl.F_SETFL, flags)


def _result(returned: int) -> int:
    return ctypes.get_errno() if returned < 0 else 0


def _in_family(sock: socket.socket, host: str) -> str:
    host = addresses.plain(host)
    return addresses.MAPPED + host if sock.family == socket.AF_INET6 and ":" not in host else host


def _open_to_v4(sock: socket.socket, host: str) -> None:
    """A socket that takes IPv6 alone can't have an IPv4 address."""
    if sock.family == socket.AF_INET6 and "." in host and takes_only_v6(sock):
        try:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        except OSError:
            pass
