"""
The objects that Python's garbage collector knows. It lists no frozen ones: the supervisor has frozen its own, in which
nobody looks for anything of the app, but apps do it, too (`gc.freeze()` at the end of `setup()`).
"""

from __future__ import annotations

import contextlib
import gc

_frozen_before = 0


def begin() -> None:
    """Call this before the app's code runs."""
    global _frozen_before
    _frozen_before = gc.get_freeze_count()


def every() -> list:
    with thawed():
        return gc.get_objects()


@contextlib.contextmanager
def thawed():
    """
    Meanwhile `gc` finds what the app has frozen. Afterwards it is frozen again, and with it what exists by then: nobody
    can freeze a part.
    """
    is_apps = gc.get_freeze_count() > _frozen_before
    if is_apps:
        gc.unfreeze()
    try:
        yield
    finally:
        if is_apps:
            gc.freeze()
