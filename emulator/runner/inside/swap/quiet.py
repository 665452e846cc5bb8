"""
Whether code is still running: on the stack of a thread, in a generator or coroutine that is suspended or hasn't begun,
or in a forked process. Everything that runs later is the new code, because functions are changed in place.
"""

from __future__ import annotations

import sys
import threading
import types

from ...shared import kernel
from .. import objects, sources
from ..debug.names import before

_SUSPENDED = {
    types.GeneratorType: ("gi_code", "gi_frame"),
    types.CoroutineType: ("cr_code", "cr_frame"),
    types.AsyncGeneratorType: ("ag_code", "ag_frame"),
}

_SPAWNED, _FORK_SERVER = b"multiprocessing.spawn", b"multiprocessing.forkserver"


class Quiet:
    """
    Looks for what runs one of the functions. `hold`: the requests that are being served. `shared`: those of the
    functions that the SDK calls in every request.
    """

    def __init__(self, functions: list, hold, shared: list):
        self._functions = {id(function) for function in functions}
        codes = [code for function in functions for code in _all_codes(function.__code__)]
        self._codes = {id(each) for code in codes for each in (code, *before(code))}
        self._hold = hold
        self._is_shared = any(id(function) in self._functions for function in shared)
        self._suspended: list = []

    def running(self) -> str | None:
        """What still runs, as a part of a sentence; None: nothing. The cheapest checks come first."""
        return (
            self.requests() or self.threads() or self.processes() or self._known_suspended() or self._find_suspended()
        )

    def requests(self) -> str | None:
        for scope in self._hold.requests.values():
            if self._concerns(scope.get("endpoint")):
                return f"a request to {scope.get('path', '?')} is still running"
        return None

    def _concerns(self, endpoint) -> bool:
        """A request that has no endpoint yet, or the SDK's own, may call anything of the app."""
        function = getattr(endpoint, "__func__", endpoint)
        names = getattr(function, "__globals__", None)
        if self._is_shared or names is None or sources.is_platforms(names.get("__name__")):
            return True
        return id(function) in self._functions

    def threads(self) -> str | None:
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        for ident, frame in sys._current_frames().items():
            while frame is not None:
                if id(frame.f_code) in self._codes:
                    return f"{_name(frame.f_code)} is still running in the thread {names.get(ident, ident)}"
                frame = frame.f_back
        return None

    def processes(self) -> str | None:
        """A process that was forked, or that multiprocessing started, has a copy of all functions."""
        own = _command_line("self") if self._codes else None
        for child in kernel.children() if self._codes else ():
            line = _command_line(child)
            is_copy = line == own or _SPAWNED in line or (_FORK_SERVER in line and kernel.children(child))
            if is_copy:
                return f"process {child}, which the app has started, has a copy of the old code"
        return None

    def _known_suspended(self) -> str | None:
        """Until those that were found have ended, no others are looked for."""
        self._suspended = [found for found in self._suspended if self._is_alive(found)]
        if not self._suspended:
            return None
        code = getattr(self._suspended[0], _SUSPENDED[type(self._suspended[0])][0])
        return f"{_name(code)} is suspended"

    def _find_suspended(self) -> str | None:
        kinds = _SUSPENDED.keys()
        self._suspended = [found for found in objects.every() if type(found) in kinds and self._is_alive(found)]
        return self._known_suspended()

    def _is_alive(self, found) -> bool:
        code, frame = _SUSPENDED[type(found)]
        return getattr(found, frame) is not None and id(getattr(found, code)) in self._codes


def _command_line(process: int | str) -> bytes:
    """Empty for a process that has ended."""
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


def _all_codes(code):
    """The code, and that of functions, classes and comprehensions inside it."""
    yield code
    for value in code.co_consts:
        if isinstance(value, types.CodeType):
            yield from _all_codes(value)


def _name(code) -> str:
    return getattr(code, "co_qualname", code.co_name)
