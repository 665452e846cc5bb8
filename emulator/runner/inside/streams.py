"""
stdout and stderr inside a runner. Each write carries the request that it belongs to, so that requests served in
parallel keep their own lines (docs/platform/runner-process.md#logs). Output that bypasses these streams, from programs
and native code, is labelled by the board, which says which request is served alone. Where that changes while output is
unread, marks on the same descriptors say so. Unbuffered, as under PYTHONUNBUFFERED.

While the emulator wants to know it, each write also carries the place in the app's code from which it came.
"""

from __future__ import annotations

import fcntl
import io
import os
import select
import sys
import termios
import threading

from ..shared import lines
from ..shared.board import PLACES
from . import sources
from .serving import Serving

_NOTHING = bytes(4)
LABELS = {"fal_request_id": "requestId", "fal_endpoint": "endpoint"}
"""The keys that the SDK's middleware puts into `isolate_log_context`, and our names for them."""


class LabelledBytes(io.RawIOBase):
    """
    Writes to a descriptor; frames the text while the context variable, or else `serving`, has labels, while places are
    wanted, and where the web server logs. `switches`: board.py. `server_log`: the threads in which the web server logs
    now.
    """

    mode = "wb"

    def __init__(self, fd: int, name: str, token: str, context, serving, switches, server_log: set[int]):
        super().__init__()
        self._fd = fd
        self.name = name
        self._token = token
        self._context = context
        self._serving = serving
        self._switches = switches
        self._server_log = server_log
        self._pipe = _identity(fd)
        self._open_lines: dict[str, set[int]] = {}
        """Per request: the threads whose last write ended without a newline."""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd

    def isatty(self) -> bool:
        return False

    def close(self) -> None:
        """Stays open, like the real stdout, when it is closed: tracebacks at shutdown must be visible."""

    def write(self, data) -> int:
        view = memoryview(data).cast("B")
        labels = self._request()
        # With places, each write is framed, so that the pieces of a line stay together.
        places = self._switches[PLACES]
        if (labels or places or self._server_log) and self._leads_to_us():
            thread = threading.get_ident()
            request = labels.get("requestId")
            place = b""
            if self._server_log and thread in self._server_log:
                labels = {**labels, lines.SERVER: "1"}
            elif places and not (len(view) == 1 and view[0] == 10):
                # A line that has begun is where it began.
                threads = self._open_lines.get(request)
                if not threads or thread not in threads:
                    place = sources.place_of(sys._getframe(1))
            self._note_end(request, thread, view)
            for frame in lines.frames(self._token, labels, thread, view, place):
                self._write(frame)
        else:
            self._write(view)
        return len(view)

    def mark(self, was: dict, alone: dict, over: str | None, always: bool) -> None:
        """Writes a mark where the reader can't know: its unread output was written before the change."""
        left_open = self._open_lines.pop(over, None)
        # Requests begin and end more often than they print: the checks with a system call come last.
        if (left_open or (was != alone and (always or _has_unread(self._fd)))) and self._leads_to_us():
            self._write(lines.mark(self._token, was, alone, over))

    def _leads_to_us(self) -> bool:
        """False if the app has put a file of its own at the descriptor, or closed it: our frames must not go there."""
        try:
            about = os.fstat(self._fd)
        except OSError:
            return False
        # Runs once per write, so it makes no call and creates no tuple.
        return self._pipe is not None and about.st_ino == self._pipe[1] and about.st_dev == self._pipe[0]

    def _note_end(self, request: str | None, thread: int, data: memoryview) -> None:
        if request is None or len(data) == 0:
            return
        if data[-1] != 10:
            self._open_lines.setdefault(request, set()).add(thread)
        elif threads := self._open_lines.get(request):
            threads.discard(thread)
            if not threads:
                # A task that outlives its request may keep writing, and no later event says that the request is over.
                self._open_lines.pop(request, None)

    def _request(self) -> dict:
        value = self._context.get(None)
        return ours(value) if isinstance(value, dict) and value else self._serving.alone

    def _write(self, data) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._fd, left) :]
            except BlockingIOError:
                # A child process switched the shared pipe to non-blocking mode.
                select.select([], [self._fd], [])


def ours(labels: dict) -> dict[str, str]:
    """The SDK's labels under our names."""
    return {name: labels[theirs] for theirs, name in LABELS.items() if labels.get(theirs)}


def install(token: str, context, board, server_log: set[int]) -> Serving:
    """
    Replaces sys.stdout and sys.stderr. The caller reports the begin and end of requests to the returned object.
    `board`: None where no supervisor reads one; then no places are known.
    """
    switches = bytes(PLACES + 1) if board is None else board.switches
    made: list[LabelledBytes] = []
    was: dict[str, str] = {}

    def mark(alone: dict, over: str | None) -> None:
        nonlocal was
        for raw in made:
            raw.mark(was, alone, over, board is None)
        if board is not None and alone != was:
            board.write(alone)
        was = alone

    serving = Serving(mark)
    for fd, name, errors in ((1, "stdout", "surrogateescape"), (2, "stderr", "backslashreplace")):
        raw = LabelledBytes(fd, f"<{name}>", token, context, serving, switches, server_log)
        made.append(raw)
        text = io.TextIOWrapper(raw, encoding="utf-8", errors=errors, newline="\n", write_through=True)
        setattr(sys, name, text)
        setattr(sys, f"__{name}__", text)
    return serving


def _identity(fd: int) -> tuple[int, int] | None:
    try:
        about = os.fstat(fd)
    except OSError:
        return None
    return about.st_dev, about.st_ino


def _has_unread(pipe: int) -> bool:
    try:
        return fcntl.ioctl(pipe, termios.FIONREAD, _NOTHING) != _NOTHING
    except OSError:
        return True
