"""Callbacks for descriptors. Each is registered once, so what happens on one costs the same whatever their number."""

from __future__ import annotations

import selectors


class _Watched:
    __slots__ = ("on_data", "on_room")

    def __init__(self, on_data):
        self.on_data = on_data
        self.on_room = None


class Loop:
    def __init__(self):
        self._selector = selectors.DefaultSelector()

    def watch(self, fd: int, on_data) -> None:
        """`on_data` is called when there is something to read, or the end."""
        self._selector.register(fd, selectors.EVENT_READ, _Watched(on_data))

    def await_room(self, fd: int, on_room) -> None:
        """`on_room` is called while there is room to write; None: no longer. Does nothing for what isn't watched."""
        watched = self._get(fd)
        if watched is not None and (watched.on_room is None) != (on_room is None):
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if on_room else 0)
            self._selector.modify(fd, wanted, watched)
        if watched is not None:
            watched.on_room = on_room

    def forget(self, fd: int) -> None:
        """Before the descriptor is closed. Does nothing for what isn't watched."""
        if self._get(fd) is not None:
            self._selector.unregister(fd)

    def turn(self, seconds: float | None = None) -> None:
        """Waits until something happens, `seconds` at most, and calls back."""
        for key, events in self._selector.select(seconds):
            # An earlier callback may have closed this descriptor, and its number may be another's by now.
            if events & selectors.EVENT_WRITE and self._get(key.fd) is key.data and key.data.on_room is not None:
                key.data.on_room()
            if events & selectors.EVENT_READ and self._get(key.fd) is key.data:
                key.data.on_data()

    def fileno(self) -> int:
        """Linux: can be read when `turn` has something to do."""
        return self._selector.fileno()

    def close(self) -> None:
        self._selector.close()

    def _get(self, fd: int) -> _Watched | None:
        key = self._selector.get_map().get(fd)
        return None if key is None else key.data
