"""JSON messages, one per line, over a socket."""

from __future__ import annotations

import json
import socket
import threading

CHUNK = 64 * 1024


class TooMuch(Exception):
    """The other side sent more than the limit without completing a message."""


class Channel:
    """
    For an event loop: never blocks. What can't be sent yet waits in `pending`. `limit`: how many bytes may arrive
    without a complete line; None where the other side is trusted.
    """

    def __init__(self, sock: socket.socket, limit: int | None = None):
        self.sock = sock
        self.pending = bytearray()
        self._received = bytearray()
        self._limit = limit
        sock.setblocking(False)

    def send(self, message: dict) -> None:
        """Queues the message for the next `flush`."""
        self.pending += json.dumps(message).encode() + b"\n"

    def flush(self) -> None:
        """Raises OSError when the other side is gone."""
        while self.pending:
            try:
                sent = self.sock.send(self.pending)
            except BlockingIOError:
                return
            del self.pending[:sent]

    def receive(self) -> list[bytes] | None:
        """Lines that have arrived; None at the end of the stream. Raises `TooMuch`."""
        try:
            data = self.sock.recv(CHUNK)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        self._received += data
        complete: list[bytes] = []
        if b"\n" in data:
            *complete, rest = bytes(self._received).split(b"\n")
            self._received = bytearray(rest)
        if self._limit is not None and len(self._received) > self._limit:
            raise TooMuch
        return [line for line in complete if line]


_PATIENCE_SECONDS = 1.0


class BlockingChannel:
    """For a runner: blocks until the message is sent. Its threads may send at the same time."""

    def __init__(self, sock: socket.socket):
        sock.setblocking(True)
        self._sock = sock
        self._lock = threading.Lock()
        self._lines = sock.makefile("rb")
        self._rest = b""

    def send(self, message: dict) -> None:
        data = json.dumps(message).encode() + b"\n"
        # In a forked process, a thread that doesn't exist there may hold the lock.
        is_ours = self._lock.acquire(timeout=_PATIENCE_SECONDS)
        try:
            self._sock.sendall(data)
        finally:
            if is_ours:
                self._lock.release()

    def fileno(self) -> int:
        return self._sock.fileno()

    def receive_now(self) -> list[dict] | None:
        """
        Messages that have arrived; None at the end of the stream. Doesn't block. Not together with `receive`, which may
        read more than its message.
        """
        try:
            data = self._sock.recv(CHUNK, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        *complete, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in complete]

    def receive(self) -> dict | None:
        line = self._lines.readline()
        return json.loads(line) if line.endswith(b"\n") else None
