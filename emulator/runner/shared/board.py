"""
Memory that a runner shares with its supervisor. It says which request is being served alone. It is read only when there
is output to label, so a request without output wakes no process. One byte of it goes the other way: it says whether the
emulator wants to know where lines are printed.
"""

from __future__ import annotations

import json
import mmap

SIZE = 1024
"""Bytes that the runner writes."""
PLACES = SIZE
"""The byte after them, which the supervisor writes: 1 while places are wanted."""
_TRIES = 8


class Board:
    """Created before the fork. The content is written by the runner's process and may be anything."""

    def __init__(self):
        self._memory = mmap.mmap(-1, SIZE + 1)
        self._version = 0
        self._known = (b"", {})

    def close(self) -> None:
        """For processes that inherit it by the fork and must not reach it."""
        self._memory.close()

    def write(self, labels: dict[str, str]) -> None:
        """Called in the runner. Labels that are too long are written as no labels."""
        text = json.dumps(labels).encode()
        if len(text) > SIZE - 1:
            text = b"{}"
        # The version is odd while the text changes.
        self._memory[0] = self._version = (self._version + 1) % 256
        self._memory[1:SIZE] = text.ljust(SIZE - 1)
        self._memory[0] = self._version = (self._version + 1) % 256

    def want_places(self, wanted: bool) -> None:
        """Called in the supervisor."""
        self._memory[PLACES] = wanted

    @property
    def switches(self):
        """For the runner, which looks at `switches[PLACES]` at each write."""
        return self._memory

    def read(self) -> dict:
        """Called in the supervisor."""
        for _ in range(_TRIES):
            version = self._memory[0]
            text = self._memory[1:SIZE]
            if version % 2 == 0 and self._memory[0] == version:
                return self._parsed(text)
        return {}

    def _parsed(self, text: bytes) -> dict:
        if text != self._known[0]:
            try:
                labels = json.loads(text.strip(b"\0 ") or b"{}")
            except (ValueError, RecursionError):
                labels = {}
            self._known = (text, labels if isinstance(labels, dict) else {})
        return self._known[1]
