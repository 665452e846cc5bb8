"""
The supervisor's loop. It runs no user code and unpickles nothing: it imports what the SDK's apps import, starts
runners, forwards their lines and reports, and ends them all when the emulator's connection closes.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import time

from ..inside import rules
from ..keeper import keeper
from ..shared import addresses, descriptors, kernel
from . import isolation
from .attend import Attendant
from .launch import launch
from .output import CHUNK
from .runner import Runner

KEEPER_SECONDS = 3.0


class Supervisor(Attendant):
    """`run` ends by raising `birth.Become` in a new runner."""

    def __init__(self, sock: socket.socket, config: dict):
        super().__init__(sock)
        self._config = config
        self._dying: dict[Runner, float] = {}
        """Runners whose keepers were asked to end them, and the deadline for each."""
        self._world = isolation.find(config)

    def _due(self) -> list[float]:
        return [*self._dying.values()]

    def _act_on_due(self) -> None:
        self._end_hindered_keepers()

    # Ending a runner

    def _kill(self, runner: Runner) -> None:
        """The keeper ends the group and everything below it, even if it hasn't reported the group's pid yet."""
        os.kill(runner.keeper, signal.SIGTERM)
        # The runner may have stopped its keeper.
        os.kill(runner.keeper, signal.SIGCONT)
        self._dying.setdefault(runner, time.monotonic() + KEEPER_SECONDS)

    def _end_hindered_keepers(self) -> None:
        """
        A runner can stop its keeper again and again, so a keeper that misses its deadline is killed. `_ended` then does
        the keeper's work, also when a child of the keeper still holds the pipe that reports the keeper's end.
        """
        for runner, until in list(self._dying.items()):
            if time.monotonic() < until:
                continue
            if _is_dead(runner.keeper):
                self._ended(runner)
            else:
                self._dying[runner] = until + KEEPER_SECONDS
                os.kill(runner.keeper, signal.SIGKILL)

    # Starting a runner

    def _start(self, config: dict) -> None:
        token = secrets.token_hex(16)
        config = {**config, "token": token, "world": self._world, "extraPaths": self._config["extraPaths"]}
        try:
            config = {**config, **self._addresses(config)}
            launched = launch(config, self._drop_descriptors)
        except Exception as error:
            self._report(config["id"], "exited", code=None, signal=None, error=f"could not be started: {error}")
            return
        runner = self.add(Runner(config, launched), launched, token)
        self._loop.watch(runner.status, lambda: self._carefully(runner, lambda: self._on_status(runner)))
        if config["startMethod"] == "spawn":
            self._send(runner, config)

    def _addresses(self, config: dict) -> dict:
        """The part of a new runner's configuration that describes its addresses and ports."""
        v4, v6 = addresses.pick()
        port, metrics_port = addresses.free_ports(v4, 2)
        ports = {config["declaredMetricsPort"]: metrics_port, config["declaredPort"]: port}
        given = ports if config["mode"] == "serve" else {}
        own = addresses.Addresses(v4, v6, given, port)
        filtered = self._world.placed
        return {
            "port": port,
            "metricsPort": metrics_port,
            "own": own.describe(),
            "filtered": filtered,
            "door": secrets.token_hex(16) if self._world.kept_away else None,
            "mayBeOutside": self._config["mayBeOutside"],
            "rules": rules.describe(own, filtered, config["addresses"], config["extraPaths"]),
        }

    def _drop_descriptors(self, keep: set[int]) -> None:
        """In a forked process: closes what belongs to the supervisor and to other runners, including shared memory."""
        self._loop.close()
        # Close the objects first: they would otherwise close a descriptor that later gets the same number.
        self._emulator.sock.close()
        for runner in self._runners.values():
            runner.channel.sock.close()
            if runner.board is not None:
                runner.board.close()
        descriptors.close_all_but(keep)

    # What keepers report

    def _on_status(self, runner: Runner) -> None:
        data = os.read(runner.status, CHUNK)
        *lines, runner.status_rest = (runner.status_rest + data).split(b"\n")
        for line in lines:
            word, _, rest = line.decode().partition(" ")
            if word == "main":
                runner.main = int(rest)
                self._report(runner.id, "started", pid=runner.main, missing=self._world.missing_list())
                self._terminate(runner)
            elif word == "listening":
                # Handle first what the server reported before it listened.
                self._carefully(runner, lambda: self._on_report(runner))
                host, port = rest.split()
                self._report(runner.id, "listening", host=host, port=int(port))
            elif word == "violation":
                self._break(runner, rest)
            elif word == "ended":
                runner.wait_status = int(rest)
        if not data:
            self._ended(runner)

    def _ended(self, runner: Runner) -> None:
        """
        The keeper is gone, and with it all processes of the runner: what is left in the pipes is the rest of its
        output.
        """
        self._loop.forget(runner.status)
        os.close(runner.status)
        self._outputs.close(runner)
        if runner.broken is None:
            self._carefully(runner, lambda: self._read_rest(runner))
        self._loop.forget(runner.channel.sock.fileno())
        runner.channel.sock.close()
        del self._runners[runner.id]
        self._dying.pop(runner, None)
        os.waitpid(runner.keeper, 0)
        status = runner.wait_status
        if status is None:
            # The keeper was killed: its descendants are now our children.
            keeper.kill_others({other.keeper for other in self._runners.values()})
            status = int(signal.SIGKILL)
        died = os.WIFSIGNALED(status)
        self._report(
            runner.id,
            "exited",
            code=None if died else os.WEXITSTATUS(status),
            signal=os.WTERMSIG(status) if died else None,
            **({} if runner.broken is None else {"error": runner.broken}),
        )

    def _end_all(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for runner in self._runners.values():
            self._kill(runner)
        deadline = time.monotonic() + KEEPER_SECONDS
        alive = {runner.keeper for runner in self._runners.values()}
        self._drop_descriptors({0, 1, 2})
        while alive and time.monotonic() < deadline:
            alive -= {pid for pid in alive if os.waitpid(pid, os.WNOHANG)[0] == pid}
            time.sleep(0.005)
        # What is left is already our child, or becomes one when its keeper dies.
        keeper.sweep()


def _is_dead(child: int) -> bool:
    """Whether it waits to be reaped. Keepers have children of their own on Linux only."""
    return kernel.LINUX and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
