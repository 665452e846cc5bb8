"""Attends to the one runner of a container (contained.py is the program)."""

from __future__ import annotations

import base64
import os
import secrets
import signal
import socket

from ..birth import birth
from ..inside import rules
from ..shared import addresses, descriptors
from ..shared.board import Board
from ..shared.channel import BlockingChannel
from ..shared.here import FOLDER
from .attend import Attendant
from .launch import Launched
from .runner import Runner

STOPPED = 143
"""The exit code of a container that was stopped before it had a runner."""
PIECE = 192 * 1024
"""Bytes of a result that are sent at once."""
LAST_SECONDS = 10.0
"""How long the emulator may take for the last messages."""


class Contained(Attendant):
    def __init__(self, sock: socket.socket):
        super().__init__(sock)
        self._sock = sock
        self._runner: Runner | None = None
        self._result = _result_file()
        woken, waker = os.pipe()
        for fd in (woken, waker):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: None)
        for ignored in (signal.SIGINT, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)
        self._loop.watch(woken, lambda: self._on_signals(os.read(woken, 1024)))

    def _on_signals(self, numbers: bytes) -> None:
        runner = self._runner
        if signal.SIGTERM in numbers:
            if runner is None:
                os._exit(STOPPED)
            runner.terminating = True
            self._terminate(runner)
        if signal.SIGCHLD in numbers and runner is not None:
            pid, status = os.waitpid(runner.main, os.WNOHANG)
            if pid:
                self._ended(runner, status)

    def _start(self, config: dict) -> None:
        own = addresses.Addresses("127.0.0.1", "::1", _ports(config), config["declaredPort"], alone=True)
        token = secrets.token_hex(16)
        paths = {"extraPaths": config["extraPaths"], "firstPaths": config["firstPaths"]}
        config = {
            **config,
            "token": token,
            "board": Board(),
            "extraPaths": [*paths["firstPaths"], *paths["extraPaths"]],
            "port": config["declaredPort"],
            "metricsPort": config["declaredMetricsPort"],
            "own": own.describe(),
            "filtered": True,
            "door": None,
            "appFolder": None,
            "resultFile": f"/proc/{os.getpid()}/fd/{self._result}",
            "rules": rules.describe(own, True, ["127.0.0.1", "::1"], paths["extraPaths"], paths["firstPaths"]),
        }
        self._runner = self.add(*self._launched(config), token)

    def _launched(self, config: dict):
        ours, theirs = (end.detach() for end in socket.socketpair())
        (out, out_theirs), (err, err_theirs) = os.pipe(), os.pipe()
        # A new process still has our handlers.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        pid = os.fork()
        if pid == 0:
            self._become(config, theirs, (out_theirs, err_theirs))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        for fd in (theirs, out_theirs, err_theirs):
            os.close(fd)
        launched = Launched(pid, socket.socket(fileno=ours), out, err, -1, config["board"])
        runner = Runner(config, launched)
        runner.main = pid
        return runner, launched

    def _become(self, config: dict, channel: int, outputs: tuple[int, int]) -> None:
        """In the new process."""
        os.setsid()
        birth.take_streams(outputs)
        self._loop.close()
        self._sock.close()
        descriptors.close_all_but({0, 1, 2, channel})
        birth.forget_signals()
        os.environ[rules.VARIABLE] = config["rules"]
        children = os.path.join(FOLDER, "children")
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (children, os.environ.get("PYTHONPATH"))))
        new = socket.socket(fileno=channel)
        BlockingChannel(new).send({"event": "entered"})
        raise birth.Become(config, new)

    def _kill(self, runner: Runner) -> None:
        os.kill(runner.main, signal.SIGKILL)

    def _forward(self, runner: Runner, report: dict) -> None:
        if report["event"] == "entered":
            return
        if report["event"] == "result":
            self._send_result(runner)
        super()._forward(runner, report)

    def _send_result(self, runner: Runner) -> None:
        os.lseek(self._result, 0, os.SEEK_SET)
        while piece := os.read(self._result, PIECE):
            self._report(runner.id, "piece", data=base64.b64encode(piece).decode())
            # However long the emulator is suspended: without this piece, it would have another value.
            if not self._send_all(None):
                os._exit(STOPPED)

    def _ended(self, runner: Runner, status: int) -> None:
        """What is left in the pipes is the rest of its output. Other processes of the container end with us."""
        self._outputs.close(runner)
        if runner.broken is None:
            self._carefully(runner, lambda: self._read_rest(runner))
        died = os.WIFSIGNALED(status)
        code, number = (None, os.WTERMSIG(status)) if died else (os.WEXITSTATUS(status), None)
        about = {} if runner.broken is None else {"error": runner.broken}
        self._report(runner.id, "exited", code=code, signal=number, **about)
        self._send_all(LAST_SECONDS)
        os._exit(128 + number if died else code)

    def _send_all(self, seconds: float | None) -> bool:
        """
        Waits for the emulator: a container has no other runner that would wait meanwhile. False: it is gone, and so
        will be the container, or it took too long.
        """
        self._sock.settimeout(seconds)
        try:
            self._sock.sendall(self._emulator.pending)
        except OSError:
            return False
        finally:
            self._sock.setblocking(False)
        self._emulator.pending.clear()
        return True

    def _end_all(self) -> None:
        os._exit(STOPPED)


def _result_file() -> int:
    # In memory: the image may have no folder in which its user may write.
    if hasattr(os, "memfd_create"):
        return os.memfd_create("result")
    # A Python that was built for a C library before 2.27.
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _ports(config: dict) -> dict[int, int]:
    """The ports of the app's servers, which are those of the container."""
    return {port: port for port in (config["declaredMetricsPort"], config["declaredPort"])}
