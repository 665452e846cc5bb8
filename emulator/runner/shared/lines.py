"""
Splits what a runner wrote into lines. The runner's Python streams put a frame around labelled text, on the same
descriptor as raw writes, so that the order is kept. A random token per runner keeps user code from forging frames. A
frame without text is a mark: it names the request that was alone before it, and the request that is alone after it.

A frame may say where its text was written. That is not part of what identifies an unfinished line: a line may be
written from several places, and counts as written where it begins.
"""

from __future__ import annotations

import functools
import json
import sys

from .reports import LONGEST

MAX_LINE = 64 * 1024
"""Bytes; a longer line is split into pieces."""
MAX_PARTIAL = 256
"""How many unfinished lines are kept per stream."""
ATOMIC = 4096 if sys.platform == "linux" else 512
"""A write of this size to a pipe is atomic (PIPE_BUF)."""
MAX_SHOWN_BYTES = 4096
"""Bytes; a longer unfinished line is not shown, because it is no progress bar."""
MAX_SHOWN_LINES = 16
"""How many unfinished lines of a stream are shown at once."""
SERVER = "s"
"""The label of what the runner's web server logs."""
_MAX_LABEL = LONGEST["label"]
_MAX_FRAME = 64 * 1024


def start_of_frame(token: str) -> bytes:
    return b"\x1e" + token.encode() + b" "


def frames(token: str, labels: dict[str, str], key: int, text: memoryview, place: bytes = b""):
    """
    Cuts `text` into frames that each fit an atomic write. `key` separates unfinished lines of several threads.
    `place`: made by `place_in`, or empty; a plus sign before it says that the text of the frame before continues.
    """
    head = _head(token, key, tuple(_short(labels).items()))
    # With the plus sign.
    room = _room(len(head) + len(place) + bool(place))
    for at in range(0, len(text), room):
        piece = text[at : at + room]
        yield head + (b"%d%b\x1f" % (len(piece), place) if place else b"%d\x1f" % len(piece)) + piece
        if at == 0 and place:
            place = b"+" + place


def _room(head: int) -> int:
    """
    How long the text of a frame may be. Each line of a text is reported with the frame's labels and place, so a forged
    frame with more of both would become thousands of times as large.
    """
    return max(ATOMIC - head - 8, 256)


def file_in(file: str) -> bytes:
    """A file's name as `place_in` takes it: ASCII, without the characters that have a meaning in a frame."""
    return json.dumps(file).replace("}", "\\u007d").encode()


def place_in(line: int, file: bytes) -> bytes:
    return b",%d,%b" % (line, file)


@functools.lru_cache(maxsize=64)
def _head(token: str, key: int, labels: tuple[tuple[str, str], ...]) -> bytes:
    """Cached: a request writes many lines, and each `print` writes twice."""
    return start_of_frame(token) + json.dumps({"k": key, **dict(labels)}).encode()


def mark(token: str, was: dict[str, str], alone: dict[str, str], over: str | None) -> bytes:
    """
    `was`, `alone`: labels of raw writes before and after this point. `over`: the request that writes nothing more.
    """
    about = {"was": _short(was), "alone": _short(alone), "over": None if over is None else str(over)[:_MAX_LABEL]}
    return start_of_frame(token) + json.dumps(about).encode() + b"0\x1f"


def _short(labels: dict[str, str]) -> dict[str, str]:
    return {name: str(value)[:_MAX_LABEL] for name, value in labels.items()}


class ForgedFrame(Exception):
    """User code wrote a frame."""


class Lines:
    """
    Turns bytes into lines: calls `emit(text, labels, unfinished, place)`. `labels` is empty for raw writes while no
    request is alone. `place`: (file, line, continues) where the line's first text was written, or None; `continues`:
    at once with the line before it. A carriage return without a newline restarts the line, as on a terminal; the
    earlier text is dropped. Raises `ForgedFrame` for a frame that our own streams don't write.
    """

    def __init__(self, token: str, emit):
        self._start = start_of_frame(token)
        self._mark = self._start + b'{"was"'
        self._emit = emit
        self._waiting = b""
        self._alone: dict = {}
        self._partial: dict = {}
        self._places: dict = {}
        """Of lines in `_partial`, where they are known."""
        self._changed: dict = {}
        self._last: tuple[bytes, dict] = (b"", {})

    @property
    def has_news(self) -> bool:
        """Whether `show` would emit anything."""
        return bool(self._changed)

    def show(self) -> None:
        """Emits the unfinished lines that changed since the last call, in their current state."""
        changed, self._changed = self._changed, {}
        for key in list(changed)[-MAX_SHOWN_LINES:]:
            text = self._partial.get(key, b"").rstrip(b"\r")
            if text.strip() and len(text) <= MAX_SHOWN_BYTES:
                self._send(key, text, True, self._places.get(key))

    @property
    def awaits_end(self) -> bool:
        """Whether a raw line is waiting whose request may be over."""
        return None in self._partial and bool(self._alone)

    def settle(self, alone: dict | None) -> None:
        """`alone`: labels of raw writes from now on; None: unchanged."""
        if alone is None or alone == self._alone:
            return
        if None in self._partial:
            self._give_up(None)
        self._alone = alone

    def feed(self, data: bytes, alone: dict | None = None) -> None:
        """`alone`: labels of raw writes in `data`, unless a mark in it says otherwise."""
        data = self._waiting + data
        self.settle(self._before_mark(data, alone))
        at = 0
        while True:
            start = data.find(self._start, at)
            if start < 0:
                end = self._possible_start(data, at)
                self._add(None, data[at:end])
                self._waiting = data[end:]
                return
            self._add(None, data[at:start])
            body = data.find(b"\x1f", start)
            if body < 0:
                self._wait_for_rest(data[start:])
                return
            head = data[start + len(self._start) : body]
            about, _, rest = head.rpartition(b"}")
            length, _, place = rest.partition(b",")
            is_more = length[-1:] == b"+" and place != b""
            if is_more:
                length = length[:-1]
            if not length.isdigit() or len(length) > 6 or int(length) > self._room(about, place, is_more):
                raise ForgedFrame
            end = body + 1 + int(length)
            if len(data) < end:
                self._wait_for_rest(data[start:])
                return
            if end == body + 1:
                self._apply_mark(about + b"}")
            self._add(about + b"}", data[body + 1 : end], _place(place) if place else None, is_more)
            at = end

    def _room(self, about: bytes, place: bytes, is_more: bool) -> int:
        # With the brace, and the comma of a place, that separate them.
        return _room(len(self._start) + len(about) + 1 + (len(place) + 1 if place else 0) + is_more)

    def finish(self) -> None:
        """The stream ended: emits unfinished lines as they are."""
        rest, self._waiting = self._waiting, b""
        self._add(None, rest)
        for key in list(self._partial):
            self._give_up(key)

    def _before_mark(self, data: bytes, alone: dict | None) -> dict | None:
        mark = data.find(self._mark)
        end = data.find(b"0\x1f", mark)
        if mark < 0 or end < 0:
            return alone
        was = _parsed(data[mark + len(self._start) : end]).get("was")
        return was if isinstance(was, dict) else alone

    def _apply_mark(self, mark: bytes) -> None:
        about = _parsed(mark)
        alone, over = about.get("alone"), about.get("over")
        if not isinstance(alone, dict):
            raise ForgedFrame
        for key in [key for key in self._partial if key is not None and over is not None]:
            if _parsed(key).get("requestId") == over:
                self._give_up(key)
        self.settle(alone)

    def _give_up(self, key: bytes | None) -> None:
        """The line gets no more text: emits it as it is."""
        self._changed.pop(key, None)
        line, place = self._partial.pop(key), self._places.pop(key, None)
        text = line.rstrip(b"\r")
        # A progress bar that was erased has no text left to emit.
        if text.strip() or text == line:
            self._send(key, text, place=place)

    def _wait_for_rest(self, frame: bytes) -> None:
        if len(frame) > _MAX_FRAME:
            raise ForgedFrame
        self._waiting = frame

    def _possible_start(self, data: bytes, at: int) -> int:
        """Position at the end of `data` where the cut-off marker of a frame may begin."""
        last = data.rfind(b"\x1e", max(at, len(data) - len(self._start) + 1))
        return last if last >= 0 and self._start.startswith(data[last:]) else len(data)

    def _add(
        self, key: bytes | None, data: bytes, place: tuple[str, int] | None = None, is_more: bool = False
    ) -> None:
        if not data:
            return
        whole = self._partial.pop(key, b"") + data
        begun = self._places.pop(key, None)
        # The first line that begins here continues another one only if that was written here, too.
        continues = begun is None or begun[:2] == place
        if begun is None and place is not None:
            begun = (*place, is_more)
        at = 0
        while True:
            end = whole.find(b"\n", at)
            if end < 0:
                break
            self._pieces(key, whole[at:end], True, begun)
            at, begun = end + 1, place and (*place, continues)
            continues = True
        rest = self._pieces(key, whole[at:], False, begun) if at < len(whole) else b""
        self._changed.pop(key, None)
        if rest:
            self._partial[key] = rest
            if begun is not None:
                self._places[key] = begun
            self._changed[key] = None
            if len(self._partial) > MAX_PARTIAL:
                self._give_up(next(iter(self._partial)))

    def _pieces(self, key: bytes | None, line: bytes, complete: bool, place: tuple[str, int, bool] | None) -> bytes:
        if b"\r" in line:
            line = _after_return(line)
        at = 0
        while len(line) - at > MAX_LINE:
            end = at + MAX_LINE
            while end > at + MAX_LINE - 4 and line[end] & 0xC0 == 0x80:
                end -= 1
            self._send(key, line[at:end], place=place)
            at = end
        rest = line[at:]
        if not complete:
            return rest
        self._send(key, rest.rstrip(b"\r"), place=place)
        return b""

    def _send(
        self, key: bytes | None, line: bytes, unfinished: bool = False, place: tuple[str, int, bool] | None = None
    ) -> None:
        # Consecutive lines mostly belong to the same request.
        if key is not None and key != self._last[0]:
            self._last = (key, _parsed(key))
        labels = self._alone if key is None else self._last[1]
        self._emit(line.decode("utf-8", "replace"), labels, unfinished, place)


def _after_return(line: bytes) -> bytes:
    """The part of a restarted line that remains: the text after the last carriage return that is followed by text."""
    text = line.rstrip(b"\r")
    if len(line) > len(text) + 1:
        # One carriage return is enough to record that the line restarts.
        line = text + b"\r"
    return line[line.rfind(b"\r", 0, len(text)) + 1 :]


@functools.lru_cache(maxsize=256)
def _place(text: bytes) -> tuple[str, int]:
    line, _, file = text.partition(b",")
    if not line.isdigit() or len(line) > 9:
        raise ForgedFrame
    try:
        name = json.loads(file)
    except (ValueError, RecursionError):
        raise ForgedFrame from None
    if not isinstance(name, str) or len(name) > LONGEST["file"]:
        raise ForgedFrame
    return name, int(line)


def _parsed(about: bytes) -> dict:
    try:
        labels = json.loads(about)
    except (ValueError, RecursionError):
        raise ForgedFrame from None
    # Those of a mark are one level below.
    for part in (labels, *(value for value in labels.values() if isinstance(value, dict))):
        if any(isinstance(value, str) and len(value) > _MAX_LABEL for value in part.values()):
            raise ForgedFrame
    return labels
