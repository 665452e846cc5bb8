"""
Keeps a runner's servers on its own addresses where the machine refuses the system-call filter that does so for every
program (notify.py), or isn't Linux. It applies to Python's sockets and uvloop, in the runner and (through
children/sitecustomize.py) in Python processes that it starts. UDP and other programs are unchanged. So are servers that
ask for loopback themselves on a port that isn't the app's: such servers communicate with programs other than Python.
"""

from __future__ import annotations

import contextlib
import socket
import weakref

from ..shared import addresses
from ..shared.addresses import Addresses
from . import imports

_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_getaddrinfo = socket.getaddrinfo
"""The system's own function, also where an app has replaced it."""
_BIND_ADDRESS_NO_PORT = 24
"""Linux: the port of a bound socket is chosen when the socket connects."""


class Network:
    """The network rules of the runner with these addresses. Calls `report(host, port)` when the app's port listens."""

    def __init__(self, own: Addresses):
        self.own = own
        self.report = None
        self._calls: weakref.WeakValueDictionary[int, socket.socket] = weakref.WeakValueDictionary()
        """For a runner without an address of its own: this process's connections to its own servers, by local port."""

    def bound(self, family: int, host: str, port: int, only_v6: bool) -> tuple[str, int]:
        """The real address for a bind to (host, port); `host` is numeric."""
        if addresses.is_debuggers(host, port):
            return "127.0.0.1", port
        if host in ("127.0.0.1", "::1") and port not in self.own.ports():
            return host, port
        if host not in ("0.0.0.0", "::") and not addresses.is_local(host):
            return host, port
        return self.own.of(family, host, only_v6), self.own.given.get(port, port)

    def reached(self, host: str, port: int) -> tuple[str, int] | None:
        """The real target of a connection to (host, port); None: unchanged."""
        if host == "localhost":
            host = "127.0.0.1"
        if not _is_here(host):
            return None
        for address in self.own.towards(host):
            real = self.own.given.get(port, port)
            if addresses.is_own(address, real):
                return address, real
        return None

    def source(self, family: int) -> str | None:
        """The source address for a connection that `reached` redirected; None: any."""
        caller = self.own.caller
        return addresses.MAPPED + caller if caller is not None and family == socket.AF_INET6 else caller

    def remember_call(self, sock) -> None:
        """Records a bound client socket of the runner that is about to connect to one of the runner's servers."""
        self._calls[sock.getsockname()[1]] = sock

    def is_own_call(self, client: tuple[str, int]) -> bool:
        """Whether a connection from this address to a server of the runner is the runner's own."""
        caller = self.own.caller
        if caller is not None:
            return addresses.plain(client[0]) == caller
        known = self._calls.get(client[1])
        if known is None or known.fileno() == -1:
            return False
        # While the connection is open, no other socket has its port.
        host, port = known.getsockname()[:2]
        return (addresses.plain(host), port) == (addresses.plain(client[0]), client[1])

    def listening(self, sock) -> None:
        if self.report is None or sock.family not in _FAMILIES or sock.type != socket.SOCK_STREAM:
            return
        host, port = sock.getsockname()[:2]
        if port != self.own.app_port:
            return
        is_everywhere = self.own.alone and host in ("0.0.0.0", "::")
        self.report(self.own.v4 if is_everywhere else addresses.plain(host), port)


def report_listening(network: Network) -> None:
    """Only reports Python's servers, of a runner that has all addresses to itself."""
    listen = socket.socket.listen

    def listen_and_report(self, *args):
        listen(self, *args)
        network.listening(self)

    socket.socket.listen = listen_and_report


def install(network: Network) -> None:
    """Patches `socket.socket`, and uvloop when it is imported."""
    report_listening(network)
    bind, connect, connect_ex = (getattr(socket.socket, n) for n in ("bind", "connect", "connect_ex"))

    def is_tcp(sock, address) -> bool:
        return sock.family in _FAMILIES and sock.type == socket.SOCK_STREAM and _is_address(address)

    def bind_on_own(self, address):
        host = _numeric(self.family, address[0]) if is_tcp(self, address) else None
        if host is not None:
            host, port = network.bound(self.family, host, address[1], _takes_only_v6(self))
            if host.startswith(addresses.MAPPED):
                self.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            address = (host, port, *address[2:])
        return bind(self, address)

    def redirected(self, address):
        found = network.reached(address[0], address[1]) if is_tcp(self, address) else None
        if found is None:
            return address
        source, target = network.source(self.family), _in_family(self.family, found[0])
        # A socket that is already bound keeps its address.
        with contextlib.suppress(OSError):
            if source is not None:
                self.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
            bind(self, (source or target, 0))
        if source is None:
            network.remember_call(self)
        return (target, found[1])

    socket.socket.bind = bind_on_own
    socket.socket.connect = lambda self, address: connect(self, redirected(self, address))
    socket.socket.connect_ex = lambda self, address: connect_ex(self, redirected(self, address))
    imports.after(lambda name: name == "uvloop", lambda module: _patch_uvloop(module, network))


def _is_address(value) -> bool:
    if not isinstance(value, tuple) or len(value) < 2:
        return False
    return isinstance(value[0], (str, bytes)) and isinstance(value[1], int)


def _is_here(host) -> bool:
    """Whether a client looks for a server of this machine there; `localhost` is the only name that counts."""
    try:
        return addresses.is_loopback(host) or addresses.is_local(host)
    except (ValueError, TypeError):
        return False


def _numeric(family: int, host: str | bytes) -> str | None:
    """The address as the system reads it (`""` and `"0"` are any address); None if the system rejects it."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    try:
        found = _getaddrinfo(name or None, 0, family, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        return None
    return found[0][4][0]


def _in_family(family: int, host: str) -> str:
    if family == socket.AF_INET:
        return addresses.plain(host)
    return host if ":" in host else addresses.MAPPED + host


def _takes_only_v6(sock) -> bool:
    return sock.family == socket.AF_INET6 and bool(sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))


def _patch_uvloop(module, network: Network) -> None:
    """uvloop binds in C, bypassing Python's sockets; its IPv6 sockets accept no IPv4 address."""
    original, connect = module.Loop.create_server, module.Loop.create_connection

    async def create_server(self, protocol_factory, host=None, port=None, *args, **options):
        if options.get("sock") is None and isinstance(port, int) and (host is None or isinstance(host, (str, bytes))):
            family = socket.AF_INET6 if isinstance(host, str) and ":" in host else socket.AF_INET
            numeric = _numeric(family, host or "")
            if numeric is not None:
                host, port = network.bound(family, numeric, port, False)
                host = addresses.plain(host)
        server = await original(self, protocol_factory, host, port, *args, **options)
        for listening in server.sockets or ():
            network.listening(listening)
        return server

    async def create_connection(self, protocol_factory, host=None, port=None, *args, **options):
        found = network.reached(host, port) if _is_address((host, port)) else None
        if found is not None:
            host, port = addresses.plain(found[0]), found[1]
            source = network.source(socket.AF_INET)
            if source is not None and options.get("local_addr") is None:
                options["local_addr"] = (source, 0)
        return await connect(self, protocol_factory, host, port, *args, **options)

    module.Loop.create_server = create_server
    module.Loop.create_connection = create_connection
