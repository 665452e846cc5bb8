"""
The frames between the emulator and the helper of a command, and the helper's ends of the command's terminal or pipes.

Frames on stdin and stdout: a letter, the payload's length (4 bytes, big endian), the payload. In: `c` the configuration
(JSON, first), `d` data, `e` end of input, `r` size of the terminal (JSON). Out: `1` and `2` data, `x` exit code, last.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import struct
import termios

CHUNK = 64 * 1024
HIGH_WATER = 256 * 1024
"""Bytes of input queued for the command. Above this, the emulator's input stays in its pipe."""
END_OF_INPUT = b"\x04"


class Ends:
    """Our ends of the command's input and output. With a terminal all three are one descriptor."""

    def __init__(self, tty: bool):
        self.tty = tty
        if tty:
            ours, theirs = os.openpty()
            self.input, self.outputs, self.theirs = ours, {ours: b"1"}, (theirs, theirs, theirs)
        else:
            pipes = [os.pipe() for _ in range(3)]
            self.input = pipes[0][1]
            self.outputs = {pipes[1][0]: b"1", pipes[2][0]: b"2"}
            self.theirs = (pipes[0][0], pipes[1][1], pipes[2][1])
        self.pending = bytearray()
        self.ending = False
        for fd in {self.input, *self.outputs}:
            os.set_blocking(fd, False)

    def apply(self, kind: bytes, payload: bytes) -> None:
        """Applies a frame from the emulator."""
        if kind == b"d" and self.input is not None and not self.ending:
            self.pending += payload
        elif kind == b"e":
            self.end()
        elif kind == b"r":
            self.resize(*json.loads(payload))

    def resize(self, rows: int, columns: int) -> None:
        if self.tty and self.input is not None:
            fcntl.ioctl(self.input, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def end(self) -> None:
        """Ends the input. On a terminal only the end-of-input character can do that."""
        if self.tty:
            self.pending += END_OF_INPUT
        self.ending = not self.tty

    def write(self) -> None:
        try:
            if self.input is not None and self.pending:
                del self.pending[: os.write(self.input, self.pending)]
        except BlockingIOError:
            return
        except OSError:
            # The command no longer reads its input.
            self.pending.clear()
            self.ending = not self.tty
        if self.ending and not self.pending and self.input is not None:
            os.close(self.input)
            self.input = None

    def read(self, fd: int) -> int:
        """Passes on the available output and returns the number of bytes."""
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return 0
        except OSError as error:
            # A terminal that no process holds open on the other side.
            if error.errno != errno.EIO:
                raise
            data = b""
        if data:
            send(self.outputs[fd], data)
        else:
            self._close(fd)
        return len(data)

    def close(self) -> None:
        """The command ended: passes on the remaining output. Background processes may keep writing without end."""
        for fd in list(self.outputs):
            rest = HIGH_WATER * 4
            while rest > 0 and (passed := self.read(fd)):
                rest -= passed
            self._close(fd)
        self.pending.clear()
        self.ending = True
        self.write()

    def _close(self, fd: int) -> None:
        if self.outputs.pop(fd, None) is not None:
            os.close(fd)
            if fd == self.input:
                self.input = None
                self.pending.clear()


class Incoming:
    """Frames from the emulator."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.ended = False

    def read(self) -> list[tuple[bytes, bytes]]:
        return self.feed(self.take())

    def take(self) -> bytes:
        data = os.read(0, CHUNK)
        self.ended = not data
        return data

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        self._bytes += data
        frames = []
        while len(self._bytes) >= 5:
            (length,) = struct.unpack(">I", self._bytes[1:5])
            if len(self._bytes) < 5 + length:
                break
            frames.append((bytes(self._bytes[:1]), bytes(self._bytes[5 : 5 + length])))
            del self._bytes[: 5 + length]
        return frames


def send(kind: bytes, data: bytes) -> None:
    """Blocks while the emulator is behind, and the command blocks with us."""
    frame = memoryview(kind + struct.pack(">I", len(data)) + data)
    while frame:
        frame = frame[os.write(1, frame) :]
