"""
The loader: a process that has imported fal and the libraries of the app, and never the developer's code. It forks a
holder, which is `fal run` itself, and a child for each save, which imports the app as `fal run` does and compares it
with the last version that the emulator accepted (loading.py).

Commands and events are lines of JSON; emulator/reload/ has their form. Everything the app does while it is imported
happens in a child: it can't write events, and is ended with all of its processes when it has answered, when it takes
longer than the limit, or when a newer save comes.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import selectors
import signal
import sys
import time

from . import children, loading, project, sdk

_MOST_OUTPUT = 1_000_000
"""Bytes of output of one import that are passed on."""
_MOST_VOLATILE = 1000
_GRACE_S = 2.0
"""How long `fal run` has to end by itself."""


def main(commands: int, events: int) -> int:
    """Serves until the commands end, or `fal run` does. Returns the exit code of `fal run`."""
    # Ctrl-C is for `fal run`, which then ends by itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    children.become_reaper()
    for descriptor in (commands, events):
        os.set_inheritable(descriptor, False)
    import fal.api
    import fal.cli.main
    import fal.cli.run  # noqa: F401

    return Loader(commands, events).serve()


class Loader:
    """The state of one run."""

    def __init__(self, commands: int, events: int):
        self._commands, self._events = commands, events
        os.set_blocking(commands, False)
        self._read = bytearray()
        self._argv: list[str] = []
        self._arguments = None
        """Those of `fal run`, parsed once: the SDK's parser of all commands takes half a second."""
        self._limit_s = 60.0
        self._holder: children.Child | None = None
        self._load: Load | None = None
        self._check: children.Child | None = None
        self._check_until = 0.0
        self._volatile: list[str] = []
        """What differs between two imports of the same files (judge.py)."""
        self._base: str | None = None
        """The description of the version that the emulator accepted last, as it was received."""
        self._offered: dict[int, str | None] = {}
        self._files: list[str] = []
        self._ending = False
        self._code = 0
        self._selector = selectors.DefaultSelector()
        self._selector.register(commands, selectors.EVENT_READ, self._on_commands)
        self._wake, waking = os.pipe()
        for descriptor in (self._wake, waking):
            os.set_blocking(descriptor, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._end())
        signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
        self._waking = waking
        self._selector.register(self._wake, selectors.EVENT_READ, self._on_wake)

    def serve(self) -> int:
        while not self._ending:
            ends = [self._load.until if self._load else None, self._check_until if self._check else None]
            timeout = min((max(end - time.monotonic(), 0) for end in ends if end is not None), default=None)
            for key, _ in self._selector.select(timeout):
                # An earlier one of this round may have closed it, and the number can be another pipe's by now.
                if self._selector.get_map().get(key.fd) is key:
                    key.data()
            if self._check is not None and time.monotonic() >= self._check_until:
                self._drop_check()
            if self._is_over_limit():
                self._give_up(f"The import took longer than {self._limit_s:g} seconds and was ended.", "TimeoutError")
        self._close()
        return self._code

    def _is_over_limit(self) -> bool:
        return self._load is not None and self._load.until is not None and time.monotonic() >= self._load.until

    def _send(self, **event: object) -> None:
        data = memoryview(json.dumps(event).encode() + b"\n")
        try:
            while data:
                data = data[os.write(self._events, data) :]
        except OSError:
            # Nobody reads any more.
            self._end()

    def _end(self) -> None:
        self._ending = True

    def _close(self) -> None:
        self._drop_check()
        if self._load is not None:
            self._load.child.kill()
        holder = self._holder
        if holder is not None and not holder.reap():
            os.kill(holder.pid, signal.SIGINT)
            until = time.monotonic() + _GRACE_S
            while not holder.reap() and time.monotonic() < until:
                time.sleep(0.01)
            holder.kill()

    # Commands

    def _on_commands(self) -> None:
        try:
            part = os.read(self._commands, 1 << 16)
        except BlockingIOError:
            return
        if not part:
            self._end()
            return
        self._read += part
        *lines, self._read = self._read.split(b"\n")
        for line in lines:
            command = json.loads(line)
            getattr(self, "_do_" + command["op"])(command)

    def _do_serve(self, command: dict) -> None:
        argv = self._argv = command["argv"]
        try:
            self._arguments = sdk.parse(argv)
        except BaseException:
            # `fal run` says what is wrong with them, and ends.
            self._arguments = None
        self._limit_s = command.get("limitSeconds", self._limit_s)
        self._holder = children.Child(
            lambda send: loading.hold(argv, send), apart=False, close=(self._commands, self._events, self._wake)
        )
        self._selector.register(self._holder.messages, selectors.EVENT_READ, self._on_holder)

    def _do_load(self, command: dict) -> None:
        if self._load is not None:
            superseded = self._load
            self._drop_load()
            self._send(event="superseded", id=superseded.id)
        self._begin_load(command)

    def _begin_load(self, command: dict) -> None:
        self._load = Load({**command, "volatile": self._volatile}, self, time.monotonic() + self._limit_s)

    def _do_accepted(self, command: dict) -> None:
        if command["id"] in self._offered:
            self._base = self._offered.pop(command["id"])
            self._begin_check()
        self._offered = {number: base for number, base in self._offered.items() if number > command["id"]}

    def _do_refused(self, command: dict) -> None:
        self._offered.pop(command["id"], None)

    # Children

    def _on_wake(self) -> None:
        try:
            while os.read(self._wake, 4096):
                pass
        except BlockingIOError:
            pass
        if self._holder is not None and self._holder.reap():
            if self._holder.messages >= 0:
                self._on_holder()
            code = self._holder.ended or 0
            self._code = code if code >= 0 else 128 - code
            self._send(event="ended", code=self._code)
            self._end()
        if self._load is not None and self._load.child.reap():
            self._on_load()
        if self._check is not None and self._check.reap():
            self._on_check()

    def _on_holder(self) -> None:
        messages, more = self._holder.receive()
        for message in messages:
            if message["event"] == "serving":
                self._files = message["files"]
                self._send(event="serving", alias=message["alias"], files=self._files)
            else:
                self._base = message["base"]
                self._begin_check()
        if not more:
            self._selector.unregister(self._holder.messages)
            self._holder.close()

    # The second import of an accepted version

    def _begin_check(self) -> None:
        """Imports the accepted version once more, if it is still what the files have."""
        self._drop_check()
        if not self._base:
            return
        argv, arguments, base = self._argv, self._arguments, self._base
        self._check = children.Child(
            lambda send: loading.check(argv, arguments, base, send),
            apart=True,
            close=(self._commands, self._events, self._wake),
        )
        self._check_until = time.monotonic() + self._limit_s
        self._selector.register(self._check.messages, selectors.EVENT_READ, self._on_check)
        self._selector.register(self._check.output, selectors.EVENT_READ, self._drop_output)

    def _on_check(self) -> None:
        if self._check is None:
            return
        messages, more = self._check.receive()
        for message in messages:
            self._know_volatile(message["volatile"])
            self._drop_check()
            warm(message["libraries"])
            return
        if not more:
            self._drop_check()

    def _know_volatile(self, keys: list[str]) -> None:
        self._volatile = list(dict.fromkeys([*self._volatile, *keys]))[-_MOST_VOLATILE:]

    def _drop_output(self) -> None:
        """What a second import prints, the first has printed, too."""
        if self._check is None:
            return
        try:
            while part := os.read(self._check.output, 1 << 16):
                del part
        except BlockingIOError:
            return
        self._selector.unregister(self._check.output)
        os.close(self._check.output)
        self._check.output = -1

    def _drop_check(self) -> None:
        if self._check is not None:
            check, self._check = self._check, None
            check.kill()
            self._unregister(check)

    def _unregister(self, child: children.Child) -> None:
        for descriptor in (child.messages, child.output):
            if descriptor >= 0 and descriptor in self._selector.get_map():
                self._selector.unregister(descriptor)
        child.close()

    def _on_load(self) -> None:
        load = self._load
        if load is None:
            return
        messages, more = load.child.receive()
        for message in messages:
            if message["event"] == "imported":
                # What follows are calls to the emulator: an environment may be built.
                load.until = None
            elif message["event"] == "captured":
                load.until = time.monotonic() + self._limit_s
            elif message["event"] == "answer":
                self._answer(message)
                return
        if not more:
            load.child.reap() or os.waitid(os.P_PID, load.child.pid, os.WEXITED | os.WNOWAIT)
            load.child.reap()
            self._give_up(_how_it_ended(load.child.ended or 0), "ImportError")

    def _answer(self, message: dict) -> None:
        load = self._load
        answer = message["answer"]
        self._know_volatile(message.get("volatile") or [])
        if message.get("again"):
            # Only a second import shows whether what setup() reaches was changed by the developer.
            self._drop_load()
            self._begin_load({**load.command, "first": message["base"]})
            return
        if answer["event"] == "loaded":
            self._offered[load.id] = message.get("base")
            self._files = answer["files"]
        else:
            # Also those of the last good version: an import that fails may not have come to them.
            answer["files"] = list(dict.fromkeys([*answer["files"], *self._files]))
        self._drop_load()
        self._send(**answer, id=load.id)
        warm(message.get("libraries") or [])

    def _give_up(self, sentence: str, kind: str) -> None:
        load = self._load
        self._drop_load()
        file = self._files[0] if self._files else None
        error = {"type": kind, "message": sentence, "file": file, "line": None, "traceback": ""}
        self._send(event="failed", id=load.id, error=error, files=self._files)

    def _drop_load(self) -> None:
        load, self._load = self._load, None
        load.child.kill()
        load.pass_output()
        self._unregister(load.child)


class Load:
    """The import of one save, under way."""

    def __init__(self, command: dict, loader: Loader, until: float | None):
        self.id, self.command = command["id"], command
        self.until = until
        argv, arguments, base = loader._argv, loader._arguments, loader._base
        self.child = children.Child(
            lambda send: loading.load(argv, arguments, base, command, send),
            apart=True,
            close=(loader._commands, loader._events, loader._wake),
        )
        self._selector = loader._selector
        self._passed = 0
        self._selector.register(self.child.messages, selectors.EVENT_READ, loader._on_load)
        self._selector.register(self.child.output, selectors.EVENT_READ, self.pass_output)

    def pass_output(self) -> None:
        """Passes on what the import printed, to the error output of the command."""
        while self.child.output >= 0:
            try:
                part = os.read(self.child.output, 1 << 16)
            except BlockingIOError:
                return
            if not part:
                self._selector.unregister(self.child.output)
                os.close(self.child.output)
                self.child.output = -1
                return
            if self._passed < _MOST_OUTPUT <= self._passed + len(part):
                part = part[: _MOST_OUTPUT - self._passed] + b"\n[more output of this import is left out]\n"
                _write_error(part)
            elif self._passed < _MOST_OUTPUT:
                _write_error(part)
            self._passed += len(part)


def _write_error(data: bytes) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(2, view) :]
    except OSError:
        pass


def _how_it_ended(code: int) -> str:
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"The import was ended by {name}."
    return f"The import ended the process with exit code {code}."


def warm(libraries: list[str]) -> None:
    """Imports libraries that the app imported, for the next children. Never a module of the project."""
    count = len(sys.modules)
    output = os.dup(1)
    try:
        os.dup2(2, 1)
        for name in libraries:
            if name not in sys.modules:
                try:
                    importlib.import_module(name)
                except BaseException:
                    # It may need what the app does before the import.
                    pass
        # Learns which files are the project's, for the children.
        project.remember_modules()
        sdk.warm()
    finally:
        os.dup2(output, 1)
        os.close(output)
    if len(sys.modules) > count:
        # A child that collects garbage doesn't look at what is here by now, and so doesn't copy it.
        gc.collect()
        gc.freeze()
