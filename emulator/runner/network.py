"""
Keeps a runner's servers on loopback, and gives each runner a port of its own: a bind to the declared port becomes a
bind to the port that was reserved for this runner. Applies to Python's sockets and uvloop, in the runner and (through
children/sitecustomize.py) in Python processes that it starts. UDP and other programs are left as they are.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import sys

from . import imports

LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
_LOCAL = ("127.0.0.1", "::1", "localhost")
_BIND_ADDRESS_NO_PORT = 24
"""Linux: the port of a bound socket is chosen when it connects."""


def reserve() -> socket.socket:
    """
    A port that nobody else gets while the app is still in setup. Linux lets a second socket bind and listen on it
    because neither is listening yet and both reuse addresses; elsewhere the reservation ends when the port is used.
    """
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    return holder


def caller_address() -> str | None:
    """
    A random address of this machine's loopback, from which a runner calls its own ports: the gate knows it by that
    (gate.py), because no web page can call from there, nor guess it. None where loopback is 127.0.0.1 alone.
    """
    if sys.platform != "linux":
        return None
    return f"127.{16 + secrets.randbelow(240)}.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"


class Ports:
    """
    `given`: declared port -> port of this runner. `claimed`: a file that exists once one of them was bound, so that
    the app's own connections to it are led there too. `caller`: of `caller_address`. `report(host, port)`: called when
    the app's port listens.
    """

    def __init__(self, given: dict[int, int], app_port: int, claimed: str, caller: str | None):
        self.given = given
        self.app_port = app_port
        self.claimed = claimed
        self.caller = caller
        self.report = None

    def all(self) -> frozenset[int]:
        """As the app declares them, and as they are."""
        return frozenset((*self.given, *self.given.values()))

    def bound(self, family, host, port):
        """Where a bind to (host, port) really goes."""
        if _is_wildcard(family, host):
            host = LOOPBACK[family]
        if host in _LOCAL and port in self.all():
            # The SDK's server binds the port that was given to it, which is the declared one in the cloud.
            with open(self.claimed, "w"):
                pass
            port = self.given.get(port, port)
        return host, port

    def reached(self, host, port):
        """Where a connection to (host, port) really goes."""
        if port in self.given and host in _LOCAL and os.path.exists(self.claimed):
            return self.given[port]
        return port

    def source(self, host, port) -> str | None:
        """From where a connection to (host, port) has to come, after `reached`; None: from anywhere."""
        return self.caller if port in self.given.values() and host in ("127.0.0.1", "localhost") else None

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
        if not is_tcp(self, address):
            return address
        host, port = address[0], ports.reached(address[0], address[1])
        source = ports.source(host, port)
        if source is not None and self.family == socket.AF_INET:
            with contextlib.suppress(OSError):
                # One that is bound already keeps its address.
                self.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
                bind(self, (source, 0))
        return (host, port, *address[2:])

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
    original, connect = module.Loop.create_server, module.Loop.create_connection

    async def create_server(self, protocol_factory, host=None, port=None, *args, **options):
        sock = options.get("sock")
        if sock is None:
            family = socket.AF_INET6 if isinstance(host, str) and ":" in host else socket.AF_INET
            host, port = ports.bound(family, host or "", port)
        server = await original(self, protocol_factory, host, port, *args, **options)
        for listening in server.sockets or ():
            ports.listening(listening)
        return server

    async def create_connection(self, protocol_factory, host=None, port=None, *args, **options):
        if host is not None:
            port = ports.reached(host, port)
            source = ports.source(host, port)
            if source is not None and options.get("local_addr") is None:
                options["local_addr"] = (source, 0)
        return await connect(self, protocol_factory, host, port, *args, **options)

    module.Loop.create_server = create_server
    module.Loop.create_connection = create_connection
