"""
Callbacks for descriptors. Each is registered once, so the cost of an event doesn't depend on the number of descriptors.
"""

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
        """Calls `on_data` when there is data to read, or at the end of the stream."""
        self._selector.register(fd, selectors.EVENT_READ, _Watched(on_data))

    def await_room(self, fd: int, on_room) -> None:
        """
        Calls `on_room` while there is room to write; None stops that. Does nothing for a descriptor that isn't watched.
        """
        watched = self._get(fd)
        if watched is not None and (watched.on_room is None) != (on_room is None):
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if on_room else 0)
            self._selector.modify(fd, wanted, watched)
        if watched is not None:
            watched.on_room = on_room

    def forget(self, fd: int) -> None:
        """Call this before closing the descriptor. Does nothing for a descriptor that isn't watched."""
        if self._get(fd) is not None:
            self._selector.unregister(fd)

    def turn(self, seconds: float | None = None) -> None:
        """Waits for events, at most `seconds`, and calls the callbacks."""
        for key, events in self._selector.select(seconds):
            # An earlier callback may have closed this descriptor, and another file may have its number by now.
            if events & selectors.EVENT_WRITE and self._get(key.fd) is key.data and key.data.on_room is not None:
                key.data.on_room()
            if events & selectors.EVENT_READ and self._get(key.fd) is key.data:
                key.data.on_data()

    def fileno(self) -> int:
        """Linux: becomes readable when `turn` has events to handle."""
        return self._selector.fileno()

    def close(self) -> None:
        self._selector.close()

    def _get(self, fd: int) -> _Watched | None:
        key = self._selector.get_map().get(fd)
        return None if key is None else key.data
