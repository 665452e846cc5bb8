"""
What a keeper does about its runner's servers: with a system-call filter it assigns their addresses, otherwise it polls
the machine's list of ports. `report(*words)` sends to the supervisor: `listening HOST PORT` for the app's own server,
or `violation SENTENCE`, part of a sentence that says why the runner must end.
"""

from __future__ import annotations

import os
import signal
import socket
import time

from ..shared import kernel
from ..shared.addresses import Addresses, pick
from ..shared.loop import Loop
from . import listed

_SOON, _LATER = 0.2, 1.0
"""Seconds between two polls of the list: until the app's server listens, and afterwards."""
_PROBE_SECONDS = 5.0


def looked_after(config: dict, hand: socket.socket) -> Placed | Listed:
    """`config`: the runner's. `hand`: our end of the socket pair that `hand_over_filter` uses."""
    own = Addresses.described(config["own"])
    if config["filtered"]:
        return Placed(hand, own)
    hand.close()
    serves = config["mode"] == "serve"
    return Listed({config["declaredPort"], own.app_port} if serves else set(), config["mayBeOutside"])


def hand_over_filter(hand: socket.socket) -> None:
    """
    Called in a new runner: from now on the process at the other end of `hand` assigns its servers' addresses. Raises
    OSError.
    """
    from . import seccomp

    descriptor = seccomp.install()
    socket.send_fds(hand, [b"f"], [descriptor])
    os.close(descriptor)
    hand.close()


class Placed:
    """`hand`: the socket over which the filter's descriptor arrives."""

    def __init__(self, hand: socket.socket, own: Addresses):
        self._hand = hand
        self._own = own
        self._notifier = None
        self._reported: set[str] = set()

    def begin(self, loop: Loop, report) -> None:
        self._loop = loop
        self._report = report
        loop.watch(self._hand.fileno(), self._take_filter)

    def turn(self) -> float | None:
        """Called before each wait; returns the maximum length of the wait."""
        return None

    def close(self) -> None:
        self._hand.close()
        if self._notifier is not None:
            self._loop.forget(self._notifier.fileno())
            self._notifier.close()
            self._notifier = None

    def _take_filter(self) -> None:
        from .notify import Notifier

        self._loop.forget(self._hand.fileno())
        _, descriptors, _, _ = socket.recv_fds(self._hand, 1, 1)
        self._hand.close()
        if descriptors:
            self._notifier = Notifier(descriptors[0], self._own, self._on_listen)
            self._loop.watch(self._notifier.fileno(), self._answer)

    def _answer(self) -> None:
        if not self._notifier.turn():
            self.close()

    def _on_listen(self, host: str, port: int) -> None:
        if self._own.given.get(port, port) == self._own.app_port and host not in self._reported:
            self._reported.add(host)
            self._report("listening", host, port)


class Listed:
    """
    `ports`: the app's declared port, and its real one. `may_be_outside`: servers may listen where other machines reach
    them.
    """

    def __init__(self, ports: set[int], may_be_outside: bool):
        self._ports = ports
        self._may_be_outside = may_be_outside
        self._known: set[int] = set()
        self._next = 0.0
        self._is_found = not ports

    def begin(self, loop: Loop, report) -> None:
        self._report = report

    def turn(self) -> float | None:
        """Called before each wait; returns the maximum length of the wait."""
        if not kernel.LINUX:
            return None
        now = time.monotonic()
        if now >= self._next:
            self._look()
            self._next = time.monotonic() + (_LATER if self._is_found else _SOON)
        return max(0.0, self._next - now)

    def close(self) -> None:
        pass

    def _look(self) -> None:
        found = {server.inode: server for server in listed.servers()}
        wanted = [one for one in found.values() if one.inode not in self._known and self._concerns(one)]
        self._known = set(found)
        if not wanted:
            return
        ours = listed.inodes_below(os.getpid())
        for server in wanted:
            if server.inode in ours:
                self._check(server)

    def _concerns(self, server: listed.Server) -> bool:
        return server.is_outside or server.port in self._ports

    def _check(self, server: listed.Server) -> None:
        if server.is_outside and not self._may_be_outside:
            where = f"[{server.host}]:{server.port}" if ":" in server.host else f"{server.host}:{server.port}"
            self._report(
                "violation",
                f"a program in it listens on {where}, where other machines can reach it without a key. Use "
                "127.0.0.1, or start minifal with --isolation full (the runner then has its own address) or "
                "--allow-outside",
            )
        elif server.port in self._ports:
            self._is_found = True
            self._report("listening", server.reachable_at, server.port)


def why_not_placed() -> str | None:
    """Why a filter can't assign servers' addresses on this machine; None: it can. Tries it in a child process."""
    try:
        # Imported here because some Pythons have no ctypes; and once for all keepers to come.
        from . import notify, seccomp  # noqa: F401
    except ImportError as error:
        return str(error)
    own = Addresses(*pick(), {}, 0)
    hand, childs_hand = socket.socketpair()
    reader, writer = os.pipe()
    ourselves = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            # Its server waits for an answer that only this process can give.
            kernel.die_with_parent(signal.SIGKILL, ourselves)
            kernel.set_dumpable(True)
            hand_over_filter(childs_hand)
            with socket.create_server(("0.0.0.0", 0)) as server:
                os.write(writer, b"ok" if own.owns(server.getsockname()[0]) else b"a server came to be elsewhere")
        except BaseException as error:
            os.write(writer, str(error).encode()[:500])
        finally:
            os._exit(0)
    childs_hand.close()
    os.close(writer)
    answer = _receive(reader, Placed(hand, own))
    try:
        os.kill(child, 9)
    except OSError:
        pass
    os.waitpid(child, 0)
    return None if answer == "ok" else answer or "the attempt got no answer"


def _receive(reader: int, placed: Placed) -> str:
    """Reads the pipe to its end while the child's servers are handled."""
    answer = bytearray()
    loop = Loop()
    deadline = time.monotonic() + _PROBE_SECONDS
    try:
        loop.watch(reader, lambda: answer.extend(os.read(reader, 500)))
        placed.begin(loop, lambda *_: None)
        while not answer and time.monotonic() < deadline:
            loop.turn(0.1)
    except Exception as error:
        return str(error) or type(error).__name__
    finally:
        placed.close()
        loop.close()
        os.close(reader)
    return answer.decode(errors="replace")
