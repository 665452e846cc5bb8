"""
Which requests the runner is serving. Output that names no request (of a thread, a child process, native code) belongs
to the request that is being served alone.
"""

from __future__ import annotations

import threading
import time


class Serving:
    """
    Calls `mark(labels, over)` when the labels of unlabelled lines change, and when a request is over. `over` is then
    its `requestId`, otherwise None.
    """

    def __init__(self, mark):
        self.alone: dict[str, str] = {}
        """
        Labels of the only request; empty while there is none, or more than one, because the source is then unknown.
        """
        self._mark = mark
        self._open: dict[object, dict[str, str]] = {}
        self._lock = threading.Lock()

    def notice_first(self, begins, is_over) -> None:
        """
        Calls `begins()` when the first request begins, and `is_over(seconds)` when the first one that has an id is
        over. Costs nothing afterwards.
        """
        mark, began = self._mark, [None]

        def mark_first(labels, over):
            mark(labels, over)
            if over is None:
                if began[0] is None:
                    began[0] = time.monotonic()
                    begins()
                return
            self._mark = mark
            is_over(time.monotonic() - (began[0] or time.monotonic()))

        self._mark = mark_first

    def begin(self, labels: dict[str, str]) -> object:
        """Returns the value to pass to `end`."""
        request = object()
        with self._lock:
            self._open[request] = labels
            self._update(None)
        return request

    def end(self, request: object) -> None:
        """May be called more than once."""
        with self._lock:
            labels = self._open.pop(request, None)
            if labels is not None:
                self._update(labels.get("requestId"))

    def _update(self, over: str | None) -> None:
        alone = next(iter(self._open.values())) if len(self._open) == 1 else {}
        if over is not None or alone != self.alone:
            self.alone = alone
            self._mark(alone, over)
