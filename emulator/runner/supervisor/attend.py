"""
How a process of ours attends to the runners below it: it takes the emulator's commands about them, checks and forwards
what they report, and never waits for one of them. Supervisors (supervise.py) have many runners, containers have one
(contained.py).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import time

from ..shared.channel import Channel, TooMuch
from ..shared.lines import ForgedFrame
from ..shared.loop import Loop
from ..shared.reports import Violation
from .launch import Launched
from .output import READS, Outputs
from .runner import Runner

HIGH_WATER, LOW_WATER = 1024 * 1024, 256 * 1024
"""
Bytes queued for the emulator. Above the first figure runners' output stays in their pipes, until the queue falls below
the second.
"""


class Attendant:
    def __init__(self, sock: socket.socket):
        self._loop = Loop()
        self._emulator = Channel(sock)
        self._runners: dict[str, Runner] = {}
        self._stopping = False
        self._places_wanted = False
        self._to_flush: list[Runner] = []
        """Runners whose lines the emulator asked for while it was behind."""
        self._outputs = Outputs(self._loop, self._carefully, self._report)
        self._loop.watch(sock.fileno(), self._on_command)

    # What kinds of attendants do differently

    def _start(self, config: dict) -> None:
        raise NotImplementedError

    def _kill(self, runner: Runner) -> None:
        raise NotImplementedError

    def _end_all(self) -> None:
        """The emulator is gone."""
        raise NotImplementedError

    def _due(self) -> list[float]:
        """When `_act_on_due` has something to do, if ever."""
        return []

    def _act_on_due(self) -> None:
        pass

    def _forward(self, runner: Runner, report: dict) -> None:
        """Sends a report that was checked."""
        about = runner.place if report["event"] == "entered" else {}
        self._emulator.send({**report, **about, "id": runner.id})

    # The loop

    def run(self) -> None:
        """Runs until the emulator is gone. In a new runner it ends by raising `Become` (birth/birth.py)."""
        while not self._stopping:
            self.turn()
        self._end_all()

    def turn(self) -> None:
        """Waits for events and handles them."""
        due = [*self._due(), *self._outputs.due()]
        self._loop.turn(max(0.0, min(due) - time.monotonic()) if due else None)
        self._outputs.show_due()
        self._act_on_due()
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

    # Input from runners

    def add(self, runner: Runner, launched: Launched, token: str) -> Runner:
        """Watches the runner's channel and output from now on."""
        self._runners[runner.id] = runner
        if runner.board is not None:
            runner.board.want_places(self._places_wanted)
        for fd, stream in ((launched.stdout, "stdout"), (launched.stderr, "stderr")):
            self._outputs.add(runner, fd, stream, token)
        self._loop.watch(runner.channel.sock.fileno(), lambda: self._carefully(runner, lambda: self._on_report(runner)))
        return runner

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
                self._forward(runner, report)
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

    # To the emulator and to runners

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
