"""
The supervisor's loop. It runs no user code and unpickles nothing: it imports what the SDK's apps import, starts
runners, forwards their lines and reports, and ends them all when the emulator's connection closes.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import time

from ..inside import rules
from ..keeper import keeper
from ..shared import addresses, descriptors, kernel
from ..shared.channel import Channel, TooMuch
from ..shared.lines import ForgedFrame
from ..shared.loop import Loop
from ..shared.reports import Violation
from . import isolation
from .launch import Launched, launch
from .output import CHUNK, READS, Outputs
from .runner import Runner

HIGH_WATER, LOW_WATER = 1024 * 1024, 256 * 1024
"""
Bytes queued for the emulator. Above the first figure runners' output stays in their pipes, until the queue falls below
the second.
"""
KEEPER_SECONDS = 3.0


class Supervisor:
    def __init__(self, sock: socket.socket, config: dict):
        self._loop = Loop()
        self._emulator = Channel(sock)
        self._config = config
        self._runners: dict[str, Runner] = {}
        self._stopping = False
        self._places_wanted = False
        self._to_flush: list[Runner] = []
        """Runners whose lines the emulator asked for while it was behind."""
        self._dying: dict[Runner, float] = {}
        """Runners whose keepers were asked to end them, and the deadline for each."""
        self._outputs = Outputs(self._loop, self._carefully, self._report)
        self._world = isolation.find(config)
        self._loop.watch(sock.fileno(), self._on_command)

    def run(self) -> None:
        """Runs until the emulator is gone. In a new runner it ends by raising `birth.Become`."""
        while not self._stopping:
            self.turn()
        self._end_all()

    def turn(self) -> None:
        """Waits for events and handles them."""
        due = [*self._dying.values(), *self._outputs.due()]
        self._loop.turn(max(0.0, min(due) - time.monotonic()) if due else None)
        self._outputs.show_due()
        self._end_hindered_keepers()
        self._flush()

    def stop(self) -> None:
        self._stopping = True

    # Commands from the emulator

    def _on_command(self) -> None:
        lines = self._emulator.receive()
        if lines is None:
            self.stop()
            return
        for line in lines:
            message = json.loads(line)
            if message["op"] == "places":
                self._want_places(message["wanted"])
                continue
            runner = self._runners.get(message["id"])
            if message["op"] == "start":
                self._start(message)
            elif runner is not None:
                self._carefully(runner, lambda: self._run_command(runner, message))

    def _want_places(self, wanted: bool) -> None:
        self._places_wanted = wanted
        for runner in self._runners.values():
            if runner.board is not None:
                runner.board.want_places(wanted)

    def _run_command(self, runner: Runner, message: dict) -> None:
        op = message["op"]
        if op == "call":
            runner.reports.called()
            self._send(runner, {"op": "call"})
        elif op == "swap":
            runner.reports.asked_to_swap(message["swap"])
            # The runner may read this late. The machine's processes share this clock.
            until = time.monotonic() + message["patience"]
            self._send(runner, {"op": "swap", "swap": message["swap"], "file": message["file"], "until": until})
        elif op == "debug":
            runner.reports.asked_to_debug()
            about = {"port": message["port"], "token": message["token"], "folder": message["folder"]}
            self._send(runner, {"op": "debug", **about})
        elif op == "undebug":
            self._send(runner, {"op": "undebug"})
        elif op == "stacks":
            runner.reports.asked_for_stacks(message["ask"])
            self._send(runner, {"op": "stacks", "ask": message["ask"]})
        elif op == "flush":
            self._flush_lines(runner)
        elif op == "terminate":
            runner.terminating = True
            self._terminate(runner)
        elif op == "kill":
            self._kill(runner)

    def _terminate(self, runner: Runner) -> None:
        """Sends SIGTERM to the main process, as soon as its pid is known."""
        if runner.main and runner.terminating:
            try:
                os.kill(runner.main, signal.SIGTERM)
            except OSError:
                # The process is gone, or belongs to another user by now.
                pass

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
        if config["startMethod"] == "spawn":
            self._send(runner, config)

    def _addresses(self, config: dict) -> dict:
        """The part of a new runner's configuration that describes its addresses and ports."""
        v4, v6 = addresses.pick()
        port, metrics_port = addresses.free_ports(v4, 2)
        ports = {addresses.METRICS_PORT: metrics_port, config["declaredPort"]: port}
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

    def add(self, runner: Runner, launched: Launched, token: str) -> Runner:
        """Watches the runner's channel and output from now on."""
        self._runners[runner.id] = runner
        if runner.board is not None:
            runner.board.want_places(self._places_wanted)
        for fd, stream in ((launched.stdout, "stdout"), (launched.stderr, "stderr")):
            self._outputs.add(runner, fd, stream, token)
        self._loop.watch(runner.channel.sock.fileno(), lambda: self._carefully(runner, lambda: self._on_report(runner)))
        self._loop.watch(runner.status, lambda: self._carefully(runner, lambda: self._on_status(runner)))
        return runner

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

    # Input from runners

    def _carefully(self, runner: Runner, act) -> None:
        """Input that fails ends only the runner that sent it."""
        try:
            act()
        except Violation as violation:
            self._break(runner, str(violation))
        except ForgedFrame:
            self._break(runner, "it wrote one of the emulator's own marks into its output")
        except TooMuch:
            self._break(runner, "it sent more than 256 KiB at once over the emulator's connection")
        except Exception as error:
            self._break(runner, f"what it sent triggered a bug in minifal ({type(error).__name__}: {error})")

    def _break(self, runner: Runner, why: str) -> None:
        """Ends a runner because of what it sent; ignores its channel from then on."""
        self._loop.forget(runner.channel.sock.fileno())
        if runner.broken is None:
            runner.broken = f"was ended because {why}."
            self._report(runner.id, "line", stream="stderr", text=f"minifal: The runner {runner.broken}")
        self._kill(runner)

    def _on_report(self, runner: Runner) -> bool:
        """Reads once; False at the end of the stream."""
        lines = runner.channel.receive()
        if lines is None:
            self._loop.forget(runner.channel.sock.fileno())
            return False
        for line in lines:
            report = runner.reports.check(line)
            if report is not None and report["event"] == "exception" and self._is_behind():
                # An app may raise without end, and nothing else limits these.
                continue
            if report is not None:
                about = runner.place if report["event"] == "entered" else {}
                self._emulator.send({**report, **about, "id": runner.id})
        return True

    def _read_rest(self, runner: Runner) -> None:
        for _ in range(READS):
            if not self._on_report(runner):
                return

    def _flush_lines(self, runner: Runner) -> None:
        """
        The emulator asks after an answer of the runner: lines that the runner wrote before it may still be in its
        pipes.
        """
        if self._is_behind():
            self._to_flush.append(runner)
            return
        self._outputs.drain(runner, self._is_behind)
        # The channel of a runner that has ended is closed.
        if runner.broken is None and runner.channel.sock.fileno() >= 0:
            # Exceptions that were reported before the answer.
            self._carefully(runner, lambda: self._on_report(runner))
        self._report(runner.id, "flushed")

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

    # The loop itself

    def _report(self, id: str, event: str, **about: object) -> None:
        self._emulator.send({"event": event, "id": id, **about})

    def _send(self, runner: Runner, message: dict) -> None:
        runner.channel.send(message)
        self._send_rest(runner)

    def _send_rest(self, runner: Runner) -> None:
        channel = runner.channel
        try:
            channel.flush()
        except OSError:
            channel.pending.clear()
        on_room = (lambda: self._send_rest(runner)) if channel.pending else None
        self._loop.await_room(channel.sock.fileno(), on_room)

    def _flush(self) -> None:
        """
        Called at the end of each turn. Holds back runners' output while the emulator is behind, so that runners wait
        and our memory doesn't grow.
        """
        self._send_out()
        while self._to_flush and not self._is_behind():
            runner = self._to_flush.pop(0)
            self._carefully(runner, lambda: self._flush_lines(runner))
            self._send_out()
        waiting = len(self._emulator.pending)
        self._loop.await_room(self._emulator.sock.fileno(), (lambda: None) if waiting else None)
        if self._is_behind():
            self._outputs.hold_back(self._runners.values())
        elif waiting < LOW_WATER:
            self._outputs.resume(self._runners.values())

    def _send_out(self) -> None:
        try:
            self._emulator.flush()
        except OSError:
            self.stop()

    def _is_behind(self) -> bool:
        return len(self._emulator.pending) > HIGH_WATER

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
