"""
Keeps a runner's servers on loopback, and gives each runner a port of its own: a bind to the declared port becomes a
bind to the port that was reserved for this runner. Applies to Python's sockets and uvloop, in the runner and (through
children/sitecustomize.py) in Python processes that it starts. UDP and other programs are left as they are.
"""

from __future__ import annotations

import os
import socket

from . import imports

LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
_LOCAL = ("127.0.0.1", "::1", "localhost")


def reserve() -> socket.socket:
    """
    A port that nobody else gets while the app is still in setup. Linux lets a second socket bind and listen on it
    because neither is listening yet and both reuse addresses; elsewhere the reservation ends when the port is used.
    """
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    return holder


class Ports:
    """
    `given`: declared port -> port of this runner. `claimed`: a file that exists once a declared port was bound, so that
    the app's own connections to it are led there too. `report(host, port)`: called when the app's port listens.
    """

    def __init__(self, given: dict[int, int], app_port: int, claimed: str):
        self.given = given
        self.app_port = app_port
        self.claimed = claimed
        self.report = None

    def bound(self, family, host, port):
        """Where a bind to (host, port) really goes."""
        if _is_wildcard(family, host):
            host = LOOPBACK[family]
        if port in self.given and host in _LOCAL:
            with open(self.claimed, "w"):
                pass
            port = self.given[port]
        return host, port

    def reached(self, host, port):
        """Where a connection to (host, port) really goes."""
        if port in self.given and host in _LOCAL and os.path.exists(self.claimed):
            return self.given[port]
        return port

    def listening(self, sock) -> None:
        if self.report is None or sock.family not in LOOPBACK or sock.type != socket.SOCK_STREAM:
            return
        host, port = sock.getsockname()[:2]
        if port == self.app_port:
            self.report(host, port)


def install(ports: Ports) -> None:
    """Patches `socket.socket` and, when it is imported, uvloop."""
    bind, listen, connect, connect_ex = (getattr(socket.socket, n) for n in ("bind", "listen", "connect", "connect_ex"))

    def is_tcp(sock, address) -> bool:
        return (
            sock.family in LOOPBACK and sock.type == socket.SOCK_STREAM and isinstance(address, tuple) and len(address) > 1
        )

    def bind_on_loopback(self, address):
        if is_tcp(self, address):
            host, port = ports.bound(self.family, address[0], address[1])
            if port in ports.given.values():
                self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            address = (host, port, *address[2:])
        return bind(self, address)

    def listen_and_tell(self, *args):
        listen(self, *args)
        ports.listening(self)

    def redirected(self, address):
        if is_tcp(self, address):
            return (address[0], ports.reached(address[0], address[1]), *address[2:])
        return address

    socket.socket.bind = bind_on_loopback
    socket.socket.listen = listen_and_tell
    socket.socket.connect = lambda self, address: connect(self, redirected(self, address))
    socket.socket.connect_ex = lambda self, address: connect_ex(self, redirected(self, address))
    imports.after(lambda name: name == "uvloop", lambda module: _patch_uvloop(module, ports))


def _is_wildcard(family, host) -> bool:
    if isinstance(host, (bytes, bytearray)):
        host = host.decode("ascii", "replace")
    if host in ("", "<any>"):
        return True
    try:
        return not any(socket.inet_pton(family, host))
    except (OSError, TypeError):
        pass
    try:
        # "0" and "0.0" are the wildcard too; names are not.
        return family == socket.AF_INET and not any(socket.inet_aton(host))
    except (OSError, TypeError):
        return False


def _patch_uvloop(module, ports: Ports) -> None:
    """uvloop binds in C, past Python's sockets."""
    original = module.Loop.create_server

    async def create_server(self, protocol_factory, host=None, port=None, *args, **options):
        sock = options.get("sock")
        if sock is None:
            family = socket.AF_INET6 if isinstance(host, str) and ":" in host else socket.AF_INET
            host, port = ports.bound(family, host or "", port)
        server = await original(self, protocol_factory, host, port, *args, **options)
        for listening in server.sockets or ():
            ports.listening(listening)
        return server

    module.Loop.create_server = create_server
