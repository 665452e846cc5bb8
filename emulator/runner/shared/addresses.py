"""
The addresses on which a runner's servers listen: loopback addresses of its own, which other machines can't reach and
web pages can't guess. On Linux all of 127.0.0.0/8 exists, so each runner gets two random addresses; elsewhere only
127.0.0.1 and ::1 exist.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import random
import socket

from . import kernel

MAPPED = "::ffff:"
"""The prefix of an IPv4 address in an IPv6 socket."""
DEBUG_PORTS = frozenset({5678, 9229})
"""The ports of debugpy and Node. An editor looks for debuggers on 127.0.0.1, so these servers stay there."""

_bind = socket.socket.bind
"""The system's own `bind`, also in a process where network.py replaces it."""


class Addresses:
    """
    The addresses of one runner. `v4`: for its servers. `v6`: for its servers on IPv6 alone, because many programs
    listen on both with one port. `given`: maps a port that the app declares to the port of this runner. `app_port`: the
    port that the gateway calls. `alone`: nothing else is on these addresses, as in a container.
    """

    def __init__(self, v4: str, v6: str, given: dict[int, int], app_port: int, alone: bool = False):
        self.v4 = v4
        self.v6 = v6
        self.given = given
        self.app_port = app_port
        self.alone = alone

    def of(self, family: int, host: str, only_v6: bool) -> str:
        """The address for a server on `host` in a socket's `family`. `only_v6`: the socket takes no IPv4."""
        if family == socket.AF_INET:
            return self.v4
        if host.startswith(MAPPED) or (host == "::" and not only_v6 and self.v6 != "::1"):
            return MAPPED + self.v4
        return self.v6

    @classmethod
    def described(cls, about: dict) -> Addresses:
        return cls(about["v4"], about["v6"], dict(about["given"]), about["appPort"], about["alone"])

    def describe(self) -> dict:
        """The addresses as JSON, for `described`."""
        about = {"given": sorted(self.given.items()), "appPort": self.app_port, "alone": self.alone}
        return {"v4": self.v4, "v6": self.v6, **about}

    @property
    def caller(self) -> str | None:
        """
        The address from which the runner's clients connect to its own servers. The servers recognize them by it
        (gate.py), because no web page connects from there. None where the machine's programs use the same address.
        """
        return self.v4 if self.alone or self.v4 != "127.0.0.1" else None

    def ports(self) -> frozenset[int]:
        """The app's ports: both the declared ones and the real ones."""
        return frozenset((*self.given, *self.given.values()))

    def owns(self, host: str) -> bool:
        return plain(host) in (self.v4, plain(self.v6))

    def towards(self, host: str) -> tuple[str, ...]:
        """The addresses to try when a client looks for a server on this `host` of the machine."""
        return (self.v6, self.v4) if ":" in host and not host.startswith(MAPPED) else (self.v4,)


def pick() -> tuple[str, str]:
    """Picks new addresses: one for IPv4 and one for IPv6."""
    if not kernel.LINUX:
        return "127.0.0.1", "::1"
    return _random(), MAPPED + _random()


def _random() -> str:
    # Systems and people use addresses below 127.16 (127.0.0.53, 127.0.1.1).
    dice = random.SystemRandom()
    return f"127.{dice.randrange(16, 255)}.{dice.randrange(256)}.{dice.randrange(1, 255)}"


def free_ports(address: str, count: int) -> list[int]:
    """Ports on which nothing listens. Raises OSError."""
    with contextlib.ExitStack() as opened:
        probes = [opened.enter_context(_socket_for(address)) for _ in range(count)]
        for probe in probes:
            _bind(probe, (plain(address), 0))
        return [probe.getsockname()[1] for probe in probes]


def is_taken(address: str, port: int) -> bool:
    """
    Whether a server listens there, on this address or on all addresses. Needs no privilege, and opens no connection.
    """
    with _socket_for(address) as probe:
        # With this option, leftovers of a connection, or a socket that doesn't listen yet, don't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            _bind(probe, (plain(address), port))
        except OSError as error:
            # Other errors: below 1024 only root has servers, or the address doesn't belong to this machine.
            return error.errno == errno.EADDRINUSE
    return False


def is_everywhere(port: int) -> bool:
    """Whether a program of this machine listens on the port on all addresses."""
    return kernel.LINUX and is_taken(_random(), port)


def is_own(address: str, port: int) -> bool:
    """Whether the server there belongs to the runner that has `address`, and not to the machine."""
    return is_taken(address, port) and not is_everywhere(port)


def is_debuggers(host: str, port: int) -> bool:
    """Whether a server stays on 127.0.0.1 because it belongs to a debugger."""
    return port in DEBUG_PORTS and host in ("127.0.0.1", "0.0.0.0")


def is_loopback(host: str) -> bool:
    """
    Whether a numeric address is loopback. The wildcard addresses count, because a client that uses them reaches
    loopback.
    """
    address = ipaddress.ip_address(plain(host).partition("%")[0])
    return address.is_loopback or address.is_unspecified


def is_local(host: str, scope: int = 0) -> bool:
    """Whether the numeric address belongs to this machine."""
    try:
        with _socket_for(host, socket.SOCK_DGRAM) as probe:
            _bind(probe, (plain(host), 0, 0, scope) if probe.family == socket.AF_INET6 else (plain(host), 0))
    except OSError:
        return False
    return True


def plain(host: str) -> str:
    """The address without the form that IPv6 sockets use for IPv4 addresses."""
    return host[len(MAPPED) :] if host.startswith(MAPPED) and "." in host else host


def _socket_for(host: str, kind: int = socket.SOCK_STREAM) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in plain(host) else socket.AF_INET, kind)
