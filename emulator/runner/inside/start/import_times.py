"""
How long imports take, measured where `-X importtime` does: around the function that Python calls for each module that
isn't loaded yet. An import of a loaded module never gets there, so it costs nothing.
"""

from __future__ import annotations

import sys
import time
from _thread import get_ident
from importlib import _bootstrap

from ...shared import reports

_MOST_NAMES = 2_000
_OTHERS = "(others)"


class ImportTimes:
    """Sums what the modules below each top-level name took by themselves, without what they imported."""

    def __init__(self):
        self._nanoseconds: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._original = None
        self._ours = None

    def begin(self) -> None:
        if not hasattr(_bootstrap, "_find_and_load"):
            # A Python to come: nothing is known about its imports.
            return
        self._original = _bootstrap._find_and_load
        self._ours = _bootstrap._find_and_load = _timed(self._original, self._note)

    def end(self) -> None:
        """Unless a program has put a function of its own in the same place: then ours only passes calls on."""
        if self._ours is not None and _bootstrap._find_and_load is self._ours:
            _bootstrap._find_and_load = self._original

    def take(self) -> dict:
        """What was imported since the last time: all modules, and the slowest names."""
        nanoseconds, counts = self._nanoseconds, self._counts
        self._nanoseconds, self._counts = {}, {}
        slowest = sorted(nanoseconds.items(), key=lambda item: -item[1])[: reports.MOST_MODULES]
        return {
            "ms": _ms(sum(nanoseconds.values())),
            "count": sum(counts.values()),
            "modules": [
                {"name": name[: reports.LONGEST_NAME], "ms": _ms(took), "count": counts.get(name, 0)}
                for name, took in slowest
                if took >= 500_000
            ],
        }

    def _note(self, name: str, took: int) -> None:
        top = name.partition(".")[0]
        if top not in self._nanoseconds and len(self._nanoseconds) >= _MOST_NAMES:
            top = _OTHERS
        self._nanoseconds[top] = self._nanoseconds.get(top, 0) + took
        if name in sys.modules:
            self._counts[top] = self._counts.get(top, 0) + 1


def _timed(original, note, clock=time.perf_counter_ns):
    inner: dict[int, int] = {}
    """By thread: what the modules took that the current one has imported so far."""

    def _find_and_load(name, import_):
        thread = get_ident()
        before = inner.get(thread, 0)
        inner[thread] = 0
        began = clock()
        try:
            return original(name, import_)
        finally:
            took = clock() - began
            note(name, took - inner.get(thread, 0))
            inner[thread] = before + took

    # Python leaves the frames of its import system out of tracebacks, and so do warnings.
    _find_and_load.__code__ = _find_and_load.__code__.replace(co_filename=original.__code__.co_filename)
    return _find_and_load


def _ms(nanoseconds: int) -> int:
    return max(0, min(round(nanoseconds / 1_000_000), reports.HIGHEST_LINE))
