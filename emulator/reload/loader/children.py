"""Child processes of the loader: each is a fork with a pipe for its messages, and can be ended with all of its own."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import resource
import signal
import sys
import traceback

_HIGH = 1000
"""Programs that close the descriptors that they don't know begin at 3 and stop early, often at 255."""
_LARGEST = 512 * 1024 * 1024
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36

_started: set[int] = set()
"""Children that this process started itself."""


def become_reaper() -> None:
    """From now on orphans below this process become its children (Linux), so that they can be found and ended."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        try:
            ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
        except (OSError, AttributeError):
            pass


class Child:
    """
    A fork that runs `body(send)`, in which `send(message)` sends an object. `apart`: in a process group of its own,
    without input, its output into a pipe.
    """

    def __init__(self, body, *, apart: bool, close: tuple[int, ...]):
        self._pending = bytearray()
        self.ended: int | None = None
        """The exit code, or minus the number of a signal."""
        self.others = set(_children())
        reading, writing = os.pipe()
        out_reading, out_writing = os.pipe() if apart else (-1, -1)
        parent = os.getpid()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                for descriptor in (reading, out_reading, *close):
                    if descriptor >= 0:
                        os.close(descriptor)
                if apart:
                    _go_apart(out_writing)
                _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
                signal.set_wakeup_fd(-1)
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
                    signal.signal(number, signal.SIG_DFL)
                signal.signal(signal.SIGINT, signal.default_int_handler)
                if os.getppid() == parent:
                    code = body(_sender(writing))
            except BaseException:
                traceback.print_exc()
            finally:
                for stream in (sys.stdout, sys.stderr):
                    try:
                        stream.flush()
                    except Exception:
                        pass
                os._exit(code & 0xFF if isinstance(code, int) else 1)
        _started.add(self.pid)
        os.close(writing)
        if apart:
            os.close(out_writing)
            try:
                os.setpgid(self.pid, self.pid)
            except OSError:
                pass
        self._apart = apart
        self.messages, self.output = reading, out_reading
        for descriptor in (reading, out_reading):
            if descriptor >= 0:
                os.set_blocking(descriptor, False)

    def receive(self) -> tuple[list[object], bool]:
        """The messages that have arrived, and whether there can be more. A broken message ends them."""
        found: list[object] = []
        while True:
            try:
                part = os.read(self.messages, 1 << 20)
            except BlockingIOError:
                return found, True
            if not part:
                return found, False
            self._pending += part
            if len(self._pending) > _LARGEST:
                return found, False
            if b"\n" not in part:
                continue
            *lines, self._pending = self._pending.split(b"\n")
            for line in lines:
                try:
                    found.append(json.loads(line))
                except ValueError:
                    return found, False

    def reap(self) -> bool:
        """Whether it has ended; `ended` then says how."""
        if self.ended is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.ended = os.waitstatus_to_exitcode(status)
            except ChildProcessError:
                self.ended = 1
        if self.ended is not None:
            _started.discard(self.pid)
        return self.ended is not None

    def kill(self) -> None:
        """Ends it and everything that it started."""
        if self._apart:
            for _ in range(100):
                try:
                    os.killpg(self.pid, signal.SIGKILL)
                except OSError:
                    break
                if self.reap():
                    break
                os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
            self._kill_orphans()
        elif not self.reap():
            os.kill(self.pid, signal.SIGKILL)

    def _kill_orphans(self) -> None:
        for _ in range(50):
            orphans = set(_children()) - self.others - _started
            if not orphans:
                return
            for pid in orphans:
                try:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                except OSError:
                    pass

    def close(self) -> None:
        for descriptor in (self.messages, self.output):
            if descriptor >= 0:
                os.close(descriptor)
        self.messages = self.output = -1


def _go_apart(output: int) -> None:
    os.setpgid(0, 0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)


def _sender(writing: int):
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    least = _HIGH if soft == resource.RLIM_INFINITY else max(min(_HIGH, soft - 10), 10)
    high = fcntl.fcntl(writing, fcntl.F_DUPFD_CLOEXEC, least)
    os.close(writing)
    own = os.getpid()

    def send(message: object) -> None:
        if os.getpid() != own:
            # A process that the app forked while it was imported, and that came back into the loader's code.
            os._exit(1)
        data = json.dumps(message).encode() + b"\n"
        view = memoryview(data)
        while view:
            view = view[os.write(high, view) :]

    return send


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []
