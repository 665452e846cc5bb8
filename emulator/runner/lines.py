"""
What a runner wrote, as lines. Its Python streams put a frame around labelled text, on the same descriptor as raw
writes, so that the order is kept; a random token per runner keeps user code from forging one.
"""

from __future__ import annotations

import json
import sys

MAX_LINE = 64 * 1024
"""Bytes; a longer line comes out in pieces."""
MAX_PARTIAL = 256
"""Unfinished lines kept apart per stream."""
ATOMIC = 4096 if sys.platform == "linux" else 512
"""A write of this size to a pipe is never torn (PIPE_BUF)."""
_LONGEST_LABEL = 200
_LONGEST_FRAME = 64 * 1024


def start_of_frame(token: str) -> bytes:
    return b"\x1e" + token.encode() + b" "


def frames(token: str, labels: dict[str, str], key: int, text: memoryview):
    """Cuts `text` into frames that each fit an atomic write. `key`: keeps apart unfinished lines of several threads."""
    about = {"k": key, **{name: str(value)[:_LONGEST_LABEL] for name, value in labels.items()}}
    head = start_of_frame(token) + json.dumps(about).encode()
    room = max(ATOMIC - len(head) - 8, 256)
    for at in range(0, len(text), room):
        piece = text[at : at + room]
        yield head + b"%d\x1f" % len(piece) + piece


class ForgedFrame(Exception):
    """User code wrote a frame."""


class Lines:
    """
    Bytes in, complete lines out: `emit(text, labels)`. `labels` is empty for raw writes. Raises `ForgedFrame`
    for one that our own streams don't write.
    """

    def __init__(self, token: str, emit):
        self._start = start_of_frame(token)
        self._emit = emit
        self._waiting = b""
        self._partial: dict = {}

    def feed(self, data: bytes) -> None:
        data = self._waiting + data
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
            about, _, length = head.rpartition(b"}")
            if not length.isdigit() or len(length) > 6:
                raise ForgedFrame
            end = body + 1 + int(length)
            if len(data) < end:
                self._wait_for_rest(data[start:])
                return
            self._add(about + b"}", data[body + 1 : end])
            at = end

    def finish(self) -> None:
        """The stream ended: what is unfinished goes out as it is."""
        rest, self._waiting = self._waiting, b""
        self._add(None, rest)
        for key in list(self._partial):
            self._send(key, self._partial.pop(key))

    def _wait_for_rest(self, frame: bytes) -> None:
        if len(frame) > _LONGEST_FRAME:
            raise ForgedFrame
        self._waiting = frame

    def _possible_start(self, data: bytes, at: int) -> int:
        """Where a frame may begin whose marker is cut off at the end of `data`."""
        last = data.rfind(b"\x1e", max(at, len(data) - len(self._start) + 1))
        return last if last >= 0 and self._start.startswith(data[last:]) else len(data)

    def _add(self, key: bytes | None, data: bytes) -> None:
        if not data:
            return
        whole = self._partial.pop(key, b"") + data
        at = 0
        while True:
            end = whole.find(b"\n", at)
            if end < 0:
                break
            self._pieces(key, whole[at:end], True)
            at = end + 1
        rest = self._pieces(key, whole[at:], False)
        if rest:
            self._partial[key] = rest
            if len(self._partial) > MAX_PARTIAL:
                oldest = next(iter(self._partial))
                self._send(oldest, self._partial.pop(oldest))

    def _pieces(self, key: bytes | None, line: bytes, complete: bool) -> bytes:
        at = 0
        while len(line) - at > MAX_LINE:
            end = at + MAX_LINE
            while end > at + MAX_LINE - 4 and line[end] & 0xC0 == 0x80:
                end -= 1
            self._send(key, line[at:end])
            at = end
        rest = line[at:]
        if not complete:
            return rest
        self._send(key, rest[:-1] if rest.endswith(b"\r") else rest)
        return b""

    def _send(self, key: bytes | None, line: bytes) -> None:
        try:
            labels = {} if key is None else json.loads(key)
        except (ValueError, RecursionError):
            raise ForgedFrame from None
        self._emit(line.decode("utf-8", "replace"), labels)
