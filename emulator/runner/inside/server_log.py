"""
Which lines the runner's web server logs itself: its access log, its start and end, its text of an unhandled exception.
They are marked, so that a reader can leave them out. Recognized by their loggers, whatever handlers an app gives them.
"""

from __future__ import annotations

import logging
import threading

from . import imports

_NAMES = ("uvicorn", "uvicorn.access", "uvicorn.error", "uvicorn.asgi")


def install(threads: set[int]) -> None:
    """From now on `threads` contains the threads in which uvicorn is logging."""
    imports.after(lambda name: name == "uvicorn.server", lambda _: [_mark(name, threads) for name in _NAMES])


def _mark(name: str, threads: set[int]) -> None:
    logger = logging.getLogger(name)
    handle = logger.handle

    def handle_marked(record) -> None:
        thread = threading.get_ident()
        threads.add(thread)
        try:
            handle(record)
        finally:
            threads.discard(thread)

    logger.handle = handle_marked
