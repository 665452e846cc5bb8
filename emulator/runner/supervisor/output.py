"""The output of runners: reads their pipes, reports whole lines, and shows unfinished ones after a while."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable

from ..shared.lines import SERVER, Lines
from ..shared.loop import Loop
from .runner import Runner

CHUNK = 64 * 1024
READS = 16
"""How many chunks are read out of turn: more than fits into a pipe or a report, but bounded in case of a flood."""
SHOW_SECONDS = 0.1
"""How long an unfinished line waits until it is shown, and the minimum interval between two updates."""


class Outputs:
    def __init__(self, loop: Loop, carefully: Callable, report: Callable):
        """
        `carefully(runner, act)` calls `act`; a failure ends only this runner. `report(id, event, **about)` sends an
        event to the emulator.
        """
        self._loop = loop
        self._carefully = carefully
        self._report = report
        self._held_back = False
        self._unfinished: dict[Lines, Runner] = {}
        self._show_at = 0.0

    def add(self, runner: Runner, fd: int, stream: str, token: str) -> None:
        """Reports the lines of this pipe of the runner from now on."""

        def emit(text: str, labels: dict, unfinished: bool, place: tuple[str, int, bool] | None) -> None:
            known = {name: labels[name] for name in ("requestId", "endpoint") if isinstance(labels.get(name), str)}
            if unfinished:
                known["unfinished"] = True
            if SERVER in labels:
                known["isServer"] = True
            if place is not None:
                file, line, continues = place
                known["place"] = {"file": file, "line": line, **({"continues": True} if continues else {})}
            self._report(runner.id, "line", stream=stream, text=text, **known)

        os.set_blocking(fd, False)
        runner.outputs[fd] = Lines(token, emit)
        if not self._held_back:
            self._watch(runner, fd)

    def drain(self, runner: Runner, is_behind: Callable[[], bool]) -> None:
        """Reports what is in the pipes now. Doesn't wait for a flood to end, and stops when the emulator is behind."""
        for fd in list(runner.outputs):
            for _ in range(READS):
                if is_behind() or not self._read(runner, fd):
                    break
        for lines in runner.outputs.values():
            self._carefully(runner, lambda: lines.settle(runner.alone()))

    def close(self, runner: Runner) -> None:
        """Reports what is left in the pipes, and closes them."""
        for fd in list(runner.outputs):
            for _ in range(READS):
                if not self._read(runner, fd):
                    break
            # A process that is not below the keeper (another user's, a shell) may still hold the pipe open and write
            # without end.
            if fd in runner.outputs:
                self._close(runner, fd)

    def hold_back(self, runners: Iterable[Runner]) -> None:
        """Output stays in the pipes until `resume`, so that runners wait."""
        if self._held_back:
            return
        self._held_back = True
        for runner in runners:
            for fd in runner.outputs:
                self._loop.forget(fd)

    def resume(self, runners: Iterable[Runner]) -> None:
        """Ends `hold_back`."""
        if not self._held_back:
            return
        self._held_back = False
        for runner in runners:
            for fd in runner.outputs:
                self._watch(runner, fd)

    def due(self) -> list[float]:
        """When `show_due` has something to do, if ever."""
        return [self._show_at] if self._unfinished else []

    def show_due(self) -> None:
        """Shows progress bars and other unfinished lines; does nothing while the emulator is behind."""
        if not self._unfinished or time.monotonic() < self._show_at:
            return
        due, self._unfinished = self._unfinished, {}
        if not self._held_back:
            for lines, runner in due.items():
                self._carefully(runner, lambda: self._show(runner, lines))

    def _watch(self, runner: Runner, fd: int) -> None:
        self._loop.watch(fd, lambda: self._carefully(runner, lambda: self._read(runner, fd)))

    def _read(self, runner: Runner, fd: int) -> bool:
        """Reads once; False when no more data is available now."""
        before = runner.alone()
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return False
        if data:
            lines = runner.outputs[fd]
            # If a request has just begun or ended, a mark separates what was unread at that moment.
            alone = before or runner.alone()
            self._carefully(runner, lambda: lines.feed(data, alone))
            if lines.has_news:
                self._show_later(runner, lines)
            return True
        self._close(runner, fd)
        return False

    def _show_later(self, runner: Runner, lines: Lines) -> None:
        if not self._unfinished:
            self._show_at = time.monotonic() + SHOW_SECONDS
        self._unfinished[lines] = runner

    def _show(self, runner: Runner, lines: Lines) -> None:
        lines.settle(runner.alone())
        lines.show()
        if lines.awaits_end:
            self._show_later(runner, lines)

    def _close(self, runner: Runner, fd: int) -> None:
        lines = runner.outputs.pop(fd)
        self._unfinished.pop(lines, None)
        self._loop.forget(fd)
        os.close(fd)
        self._carefully(runner, lines.finish)
