"""
Connects a runner to a debug adapter, which an editor has started (runner/adapter/adapter.py), and reports to the
emulator when it is attached, paused and detached. debugpy is imported here and nowhere else: never in the supervisor,
because a process that was forked from a connected one hangs.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import types

from ...shared import reports
from ..callables import describe_error
from . import names, session

_FILE_VALIDATION = "PYDEVD_DISABLE_FILE_VALIDATION"


class Debugger:
    """`report(event, **about)`: to the emulator."""

    def __init__(self, commands, report):
        self.commands = commands
        self._report = report
        self._is_busy = False
        self._is_attached = False
        self._is_waiting = False
        self._is_loaded = False
        self._may_continue = threading.Event()
        self._stopped = 0
        self._paused_since: float | None = None
        self._paused_seconds = 0.0
        commands.on("debug", self._attach)
        commands.on("undebug", lambda _command: self._continue())

    def wait(self) -> None:
        """Waits until a debugger is attached, or until the emulator says that none comes."""
        self._is_waiting = True
        self._say("waiting")
        self._may_continue.wait()

    def loaded(self) -> None:
        """Code was loaded or changed."""
        self._is_loaded = True
        if self._is_busy:
            names.rename()

    def paused_seconds(self) -> float:
        """For how long code was stopped by the debugger, in all."""
        since = self._paused_since
        return self._paused_seconds + (0.0 if since is None else time.monotonic() - since)

    def _is_there(self, file: str) -> bool:
        """Any file may have the code that is yet to be loaded."""
        return file in names.files or not self._is_loaded or os.path.exists(file)

    def _continue(self) -> None:
        if self._is_waiting and not self._may_continue.is_set():
            self._is_waiting = False
            if not self._is_busy:
                self._say("detached")
            self._may_continue.set()

    def _say(self, state: str, text: str = "", threads: int = 0) -> None:
        self._report("debug", state=state, text=text[: reports.LONGEST_REASON], threads=threads)

    def _attach(self, command: dict) -> None:
        if self._is_busy:
            return
        self._is_busy = True
        self.commands.hide()
        self.commands.often(self._watch)
        thread = threading.Thread(target=self._connect, args=(command,), name="minifal.debugger", daemon=True)
        thread.pydev_do_not_trace = True
        thread.is_pydev_daemon_thread = True
        thread.start()

    def _connect(self, command: dict) -> None:
        """Returns when the editor has set its breakpoints."""
        try:
            debugpy = _imported(command["folder"])
            session.end_earlier()
            session.watch_over_attaching(lambda: self._say("connecting"))
            _show_files(self._is_there)
            names.rename()
            debugpy.connect(("127.0.0.1", command["port"]), access_token=command["token"])
        except BaseException as error:
            self._is_busy = False
            self._say("failed", describe_error(error))
            return
        names.rename()
        self._say("attached")
        # Only now: a thread may have stopped by now, and `_watch` must not say so before.
        self._is_attached = True
        self._is_waiting = False
        self._may_continue.set()

    def _watch(self) -> bool:
        """Looks how the debugger is doing. Returns False when there is none any more."""
        if not self._is_attached:
            # Also while it connects: an adapter that is gone by then never lets it attach.
            return self._is_busy
        if not session.is_connected():
            self._detached()
            return False
        stopped = session.stopped_threads()
        if stopped != self._stopped:
            if stopped and self._paused_since is None:
                self._paused_since = time.monotonic()
            elif not stopped:
                self._resumed()
            self._stopped = stopped
            self._say("paused" if stopped else "resumed", threads=stopped)
        return True

    def _resumed(self) -> None:
        self._paused_seconds = self.paused_seconds()
        self._paused_since = None

    def _detached(self) -> None:
        self._resumed()
        self._stopped = 0
        self._is_attached = self._is_busy = False
        _stop_tracing()
        session.forget_stops()
        self._say("detached")


def _imported(folder: str):
    """The module debugpy. Its folder stays out of the app's module path."""
    validates = os.environ.get(_FILE_VALIDATION)
    os.environ[_FILE_VALIDATION] = "1"
    sys.path.insert(0, folder)
    try:
        import debugpy

        # A process that the app starts would need a port of the adapter that takes anyone.
        debugpy.configure({"subProcess": False})
        return debugpy
    finally:
        if folder in sys.path:
            sys.path.remove(folder)
        if validates is None:
            del os.environ[_FILE_VALIDATION]
        else:
            os.environ[_FILE_VALIDATION] = validates


def _show_files(is_there) -> None:
    """
    Developers' files are not on a runner's own disk. pydevd refuses breakpoints in files that it doesn't find, and
    sends the editor decompiled code in their place.
    """
    paths = types.SimpleNamespace(exists=is_there, basename=os.path.basename)
    sys.modules["pydevd_file_utils"].exists = is_there
    sys.modules["_pydevd_bundle.pydevd_net_command_factory_json"].os = types.SimpleNamespace(path=paths)


def _stop_tracing() -> None:
    """
    pydevd leaves its trace function in every thread, which would more than double the time that each request takes. The
    function that replaces it removes itself at the thread's next call.
    """
    if hasattr(sys, "monitoring"):
        sys.modules["pydevd"].stoptrace()
        return
    threading.settrace(None)
    import pydevd_tracing

    # pydevd has put a function in its place that writes a warning to the app's output.
    pydevd_tracing.restore_sys_set_trace_func()
    settrace = sys.settrace
    pydevd_tracing.set_trace_to_threads(lambda frame, event, arg: settrace(None))
