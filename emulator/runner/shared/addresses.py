"""
Where a runner's servers listen: on loopback addresses of its own, which no other machine reaches and no page can guess.
On Linux all of 127.0.0.0/8 is there, so each runner gets two random ones; elsewhere only 127.0.0.1 and ::1 are.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import random
import socket

from . import kernel

MAPPED = "::ffff:"
"""Before an IPv4 address: how a socket of IPv6 has it."""
DEBUG_PORTS = frozenset({5678, 9229})
"""debugpy's and Node's: an editor looks for them on 127.0.0.1, so there they stay."""

_bind = socket.socket.bind
"""The system's, also in a process where it leads elsewhere (network.py)."""


class Addresses:
    """
    Of one runner. `v4`: of its servers. `v6`: of those on IPv6 alone, because many programs listen on both with one
    port. `given`: port that the app declares -> port of this runner. `app_port`: where the gateway calls it.
    """

    def __init__(self, v4: str, v6: str, given: dict[int, int], app_port: int):
        self.v4 = v4
        self.v6 = v6
        self.given = given
        self.app_port = app_port

    def of(self, family: int, host: str, only_v6: bool) -> str:
        """The address for a server on `host` in a socket's `family`. `only_v6`: the socket takes no IPv4."""
        if family == socket.AF_INET:
            return self.v4
        if host.startswith(MAPPED) or (host == "::" and not only_v6 and self.v6 != "::1"):
            return MAPPED + self.v4
        return self.v6

    @classmethod
    def described(cls, about: dict) -> Addresses:
        return cls(about["v4"], about["v6"], dict(about["given"]), about["appPort"])

    def describe(self) -> dict:
        """For `described`, as JSON."""
        return {"v4": self.v4, "v6": self.v6, "given": sorted(self.given.items()), "appPort": self.app_port}

    @property
    def caller(self) -> str | None:
        """
        From where the runner's clients come to its own servers, which know them by that (gate.py): no page calls from
        there. None where loopback is 127.0.0.1 alone.
        """
        return self.v4 if self.v4 != "127.0.0.1" else None

    def ports(self) -> frozenset[int]:
        """The app's, as it declares them, and as they are."""
        return frozenset((*self.given, *self.given.values()))

    def owns(self, host: str) -> bool:
        return plain(host) in (self.v4, plain(self.v6))

    def towards(self, host: str) -> tuple[str, ...]:
        """The addresses on which a server that a client looks for on this `host` of the machine may be."""
        return (self.v6, self.v4) if ":" in host and not host.startswith(MAPPED) else (self.v4,)


def pick() -> tuple[str, str]:
    """New ones: of IPv4 and IPv6."""
    if not kernel.LINUX:
        return "127.0.0.1", "::1"
    return _random(), MAPPED + _random()


def _random() -> str:
    # Below 127.16 are those that systems and people give out (127.0.0.53, 127.0.1.1).
    dice = random.SystemRandom()
    return f"127.{dice.randrange(16, 255)}.{dice.randrange(256)}.{dice.randrange(1, 255)}"


def free_ports(address: str, count: int) -> list[int]:
    """On which nothing listens. Raises OSError."""
    with contextlib.ExitStack() as opened:
        probes = [opened.enter_context(_socket_for(address)) for _ in range(count)]
        for probe in probes:
            _bind(probe, (plain(address), 0))
        return [probe.getsockname()[1] for probe in probes]


def is_taken(address: str, port: int) -> bool:
    """Whether something listens there, on it or on all addresses. Needs no privilege, and connects to nobody."""
    with _socket_for(address) as probe:
        # With it, the rest of a connection or a socket that doesn't listen yet is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            _bind(probe, (plain(address), port))
        except OSError as error:
            # Others: below 1024 where only root has servers, or no address of this machine.
            return error.errno == errno.EADDRINUSE
    return False


def is_everywhere(port: int) -> bool:
    """Whether some program of this machine has the port on all addresses."""
    return kernel.LINUX and is_taken(_random(), port)


def is_own(address: str, port: int) -> bool:
    """Whether a server of the runner that has `address` listens there, and not one of the machine."""
    return is_taken(address, port) and not is_everywhere(port)


def is_debuggers(host: str, port: int) -> bool:
    """Whether a server stays where it is, on 127.0.0.1, because it is a debugger's."""
    return port in DEBUG_PORTS and host in ("127.0.0.1", "0.0.0.0")


def is_loopback(host: str) -> bool:
    """Of a numeric address; all interfaces count, because a client gets to loopback by them."""
    address = ipaddress.ip_address(plain(host).partition("%")[0])
    return address.is_loopback or address.is_unspecified


def is_local(host: str, scope: int = 0) -> bool:
    """Whether the numeric address is one of this machine's."""
    try:
        with _socket_for(host, socket.SOCK_DGRAM) as probe:
            _bind(probe, (plain(host), 0, 0, scope) if probe.family == socket.AF_INET6 else (plain(host), 0))
    except OSError:
        return False
    return True


def plain(host: str) -> str:
    """Without the form in which sockets of IPv6 have addresses of IPv4."""
    return host[len(MAPPED) :] if host.startswith(MAPPED) and "." in host else host


def _socket_for(host: str, kind: int = socket.SOCK_STREAM) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in plain(host) else socket.AF_INET, kind)
