"""
The supervisor's loop. It runs no user code and unpickles nothing: it imports what the SDK's apps import, starts runners,
forwards their lines and reports, and ends them all when the emulator's connection closes.
"""

from __future__ import annotations

import importlib
import os
import secrets
import selectors
import signal
import socket
import sys
import time

from . import birth, keeper, kernel, rootfs
from .channel import Channel
from .lines import Lines

PRELOADED = (
    "fastapi", "starlette.middleware.cors", "starlette_exporter", "uvicorn.protocols.http.auto", "uvicorn.lifespan.on",
    "uvicorn.loops.auto", "uvicorn.protocols.websockets.auto", "pydantic", "structlog", "httpx", "packaging.requirements",
    "tblib.pickling_support", "tomli", "tomli_w", "cloudpickle", "grpc", "grpc.aio", "websockets", "msgpack",
    "isolate", "isolate.server.definitions", "asyncio", "multiprocessing", "concurrent.futures.thread",
)  # fmt: skip
"""Libraries of the SDK's own apps; none opens a device or starts a thread when it is imported."""
CHUNK = 64 * 1024
HIGH_WATER = 1024 * 1024
"""Bytes waiting for the emulator above which runners' output is left in their pipes: then they wait, not our memory."""
READS = 16
"""Chunks of a runner's output that are read out of turn: more than fits into a pipe, and an end for a flood."""
KEEPER_SECONDS = 3.0


def preload() -> None:
    for name in PRELOADED:
        try:
            importlib.import_module(name)
        except BaseException:
            # Not in this environment, or broken there: the app will tell if it needs it.
            continue


class Runner:
    def __init__(self, id: str, keeper_pid: int, channel: Channel, status: int):
        self.id = id
        self.keeper = keeper_pid
        self.main = 0
        self.terminating = False
        self.channel = channel
        self.status = status
        self.status_text = b""
        self.outputs: dict[int, Lines] = {}


class Supervisor:
    def __init__(self, sock: socket.socket, config: dict):
        self._selector = selectors.PollSelector()
        self._emulator = Channel(sock)
        self._config = config
        self._runners: dict[str, Runner] = {}
        self._paused: dict[int, object] = {}
        self._stopping = False
        self._no_root = self._why_no_root()
        self._watch(sock, self._on_command)

    def run(self) -> None:
        """Until the emulator is gone. In a new runner it ends by raising `birth.Become`."""
        while not self._stopping:
            self._watch_writes()
            for key, events in self._selector.select():
                current = self._selector.get_map().get(key.fd)
                # An earlier callback may have closed this descriptor, and its number may be another's by now.
                if events & selectors.EVENT_READ and current is not None and current.data is key.data:
                    key.data()
            self._flush()
        self._end_all()

    def stop(self) -> None:
        self._stopping = True

    def _why_no_root(self) -> str | None:
        if not kernel.LINUX:
            return "that takes Linux"
        probe = self._config["probeDir"]
        needed = [os.path.dirname(__file__), sys.prefix, sys.base_prefix, probe, *self._config["extraPaths"]]
        hidden = rootfs.hidden_by(needed, ["/data", "/app"])
        if hidden is not None:
            return f"the emulator itself needs {hidden}"
        return rootfs.is_possible(probe, probe)

    # Commands of the emulator

    def _on_command(self) -> None:
        messages = self._emulator.receive()
        if messages is None:
            self.stop()
            return
        for message in messages:
            self._obey(message)

    def _obey(self, message: dict) -> None:
        if message["op"] == "start":
            self._start(message)
            return
        runner = self._runners.get(message["id"])
        if runner is None:
            return
        if message["op"] == "call":
            runner.channel.send({"op": "call"})
        elif message["op"] == "tell":
            self._tell_now(runner)
        elif message["op"] == "terminate":
            runner.terminating = True
            self._terminate(runner)
        elif message["op"] == "kill":
            # The keeper ends the group and all below it, also when it has yet to tell us its pid.
            os.kill(runner.keeper, signal.SIGTERM)

    def _terminate(self, runner: Runner) -> None:
        """SIGTERM to the main process, as soon as its pid is known."""
        if runner.main and runner.terminating:
            try:
                os.kill(runner.main, signal.SIGTERM)
            except ProcessLookupError:
                pass

    # The birth of a runner

    def _start(self, config: dict) -> None:
        token = secrets.token_hex(16)
        config = {**config, "token": token, "noRoot": self._no_root, "extraPaths": self._config["extraPaths"]}
        ours, theirs = socket.socketpair()
        pipes = [os.pipe() for _ in range(3)]
        # A SIGTERM that comes while a new process still has our handler would act on our connection.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            keeper_pid = os.fork()
        except OSError as error:
            for fd in sum(pipes, ()):
                os.close(fd)
            ours.close()
            theirs.close()
            self._tell(config["id"], "exited", code=None, signal=None, error=f"could not be started: {error}")
            return
        if keeper_pid == 0:
            self._be_keeper(config, ours, theirs, pipes)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        theirs.close()
        for _, writer in pipes:
            os.close(writer)
        runner = Runner(config["id"], keeper_pid, Channel(ours), pipes[2][0])
        self._runners[runner.id] = runner
        for index, stream in ((0, "stdout"), (1, "stderr")):
            self._watch_output(runner, pipes[index][0], stream, token)
        self._watch(ours, lambda: self._on_report(runner))
        self._watch(runner.status, lambda: self._on_status(runner))
        if config["startMethod"] == "spawn":
            runner.channel.send(config)

    def _be_keeper(self, config: dict, ours: socket.socket, theirs: socket.socket, pipes: list) -> None:
        """In the forked process: never returns to the loop."""
        supervisor, ourselves = os.getppid(), os.getpid()
        try:
            self._drop_descriptors()
            ours.close()
            for reader, _ in pipes:
                os.close(reader)
            kernel.become_subreaper()
            main = os.fork()
        except BaseException:
            os._exit(1)
        if main == 0:
            os.close(pipes[2][1])
            birth.become(config, theirs, (pipes[0][1], pipes[1][1]), ourselves)
        theirs.close()
        for _, writer in pipes[:2]:
            os.close(writer)
        os.write(pipes[2][1], b"%d\n" % main)
        keeper.keep(main, pipes[2][1], supervisor)

    def _drop_descriptors(self) -> None:
        """In a forked process: what belongs to the supervisor and to other runners."""
        self._emulator.sock.close()
        for runner in self._runners.values():
            runner.channel.sock.close()
            for fd in (runner.status, *runner.outputs):
                os.close(fd)

    # What comes from runners

    def _on_report(self, runner: Runner) -> None:
        messages = runner.channel.receive()
        if messages is None:
            self._forget(runner.channel.sock.fileno())
            return
        for message in messages:
            self._emulator.send({**message, "id": runner.id})

    def _watch_output(self, runner: Runner, fd: int, stream: str, token: str) -> None:
        def emit(text: str, labels: dict) -> None:
            known = {name: labels[name] for name in ("requestId", "endpoint") if name in labels}
            self._tell(runner.id, "line", stream=stream, text=text, **known)

        os.set_blocking(fd, False)
        runner.outputs[fd] = Lines(token, emit)
        self._watch(fd, lambda: self._on_output(runner, fd))

    def _on_output(self, runner: Runner, fd: int) -> bool:
        """Reads once; False when nothing more is there now."""
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return False
        if data:
            runner.outputs[fd].feed(data)
            return True
        runner.outputs.pop(fd).finish()
        self._forget(fd)
        os.close(fd)
        return False

    def _tell_now(self, runner: Runner) -> None:
        """Whoever asks has seen an answer of the runner; the lines that it wrote before may still be in its pipes."""
        for fd in list(runner.outputs):
            for _ in range(READS):
                if not self._on_output(runner, fd):
                    break
        self._tell(runner.id, "told")

    def _on_status(self, runner: Runner) -> None:
        data = os.read(runner.status, CHUNK)
        runner.status_text += data
        if not runner.main and b"\n" in runner.status_text:
            runner.main = int(runner.status_text.split(b"\n")[0])
            self._tell(runner.id, "started", pid=runner.main, rooted=self._no_root is None)
            self._terminate(runner)
        if not data:
            self._ended(runner)

    def _ended(self, runner: Runner) -> None:
        """The keeper is gone, and with it everything of the runner: what is left in the pipes is all that it said."""
        self._forget(runner.status)
        os.close(runner.status)
        os.waitpid(runner.keeper, 0)
        for fd in list(runner.outputs):
            while self._on_output(runner, fd):
                pass
            if fd in runner.outputs:
                runner.outputs.pop(fd).finish()
                self._forget(fd)
                os.close(fd)
        self._on_report(runner)
        self._forget(runner.channel.sock.fileno())
        runner.channel.sock.close()
        del self._runners[runner.id]
        reported = runner.status_text.split()
        if len(reported) < 2:
            self._kill_strays()
        status = int(reported[1]) if len(reported) > 1 else int(signal.SIGKILL)
        died = os.WIFSIGNALED(status)
        self._tell(
            runner.id,
            "exited",
            code=None if died else os.WEXITSTATUS(status),
            signal=os.WTERMSIG(status) if died else None,
        )

    def _kill_strays(self) -> None:
        """A keeper was killed: what it looked after has become ours."""
        while True:
            known = {runner.keeper for runner in self._runners.values()}
            strays = [pid for pid in kernel.children_of(os.getpid()) if pid not in known]
            for pid in strays:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            if not strays:
                return

    # The loop's own business

    def _tell(self, id: str, event: str, **about: object) -> None:
        self._emulator.send({"event": event, "id": id, **about})

    def _watch(self, fd, callback) -> None:
        self._selector.register(fd, selectors.EVENT_READ, callback)

    def _forget(self, fd: int) -> None:
        self._paused.pop(fd, None)
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def _watch_writes(self) -> None:
        """Asks for writability where something waits; holds back runners' output while the emulator is behind."""
        for channel in (self._emulator, *(runner.channel for runner in self._runners.values())):
            key = self._selector.get_map().get(channel.sock.fileno())
            if key is not None:
                wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if channel.pending else 0)
                if key.events != wanted:
                    self._selector.modify(key.fd, wanted, key.data)
        behind = len(self._emulator.pending) > HIGH_WATER
        for runner in self._runners.values():
            for fd in runner.outputs:
                if behind and fd not in self._paused:
                    self._paused[fd] = self._selector.unregister(fd).data
                elif not behind and fd in self._paused:
                    self._watch(fd, self._paused.pop(fd))

    def _flush(self) -> None:
        try:
            self._emulator.flush()
        except OSError:
            self.stop()
        for runner in self._runners.values():
            try:
                runner.channel.flush()
            except OSError:
                runner.channel.pending.clear()

    def _end_all(self) -> None:
        for runner in self._runners.values():
            os.kill(runner.keeper, signal.SIGTERM)
        deadline = time.monotonic() + KEEPER_SECONDS
        alive = {runner.keeper for runner in self._runners.values()}
        while alive and time.monotonic() < deadline:
            alive -= {pid for pid in alive if os.waitpid(pid, os.WNOHANG)[0] == pid}
            time.sleep(0.005)
        # Whatever is left is a child of ours by now, or becomes one when its keeper dies.
        keeper.sweep()
