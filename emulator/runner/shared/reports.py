"""
What a runner may report over its channel. User code can write to the channel, so every message is checked here: only
known events with known keys, in the order that a runner of this mode sends them.
"""

from __future__ import annotations

import json

from .addresses import Addresses

LIMIT = 256 * 1024
"""Maximum size of one report, in bytes."""
_MAX_NUMBER = 20
_SHAPES = {
    "entered": {},
    "gated": {},
    "listening": {"host": str, "port": int},
    "loaded": {},
    "returned": {},
    "done": {},
    "failed": {"reason": str},
    "result": {"method": str, "raised": (dict, type(None))},
    "refused": {"reason": str},
    "step": {"step": str, "imports": dict, "written": int, "installed": list, "ms": int},
    "swappable": {},
    "swapped": {"swap": int, "ms": int, "waited": int, "cleared": list, "kept": list},
    "unswapped": {"swap": int, "code": str, "text": str, "remedy": str},
    "debug": {"state": str, "text": str, "threads": int},
    "stacks": {"ask": int, "threads": list},
    "exception": {
        **{"type": str, "message": str, "phase": str, "frames": list},
        **{"requestId": (str, type(None)), "endpoint": (str, type(None))},
    },
}
_FRAME = {"file": str, "line": int, "function": str, "isApp": bool}
_PHASES = ("request", "setup", "teardown", "import")
_MOST_FRAMES = 30
LONGEST = {"type": 200, "message": 4_000, "function": 200, "label": 200, "file": 500}
"""How many characters the texts of an exception have at most."""
SWAP_CODES = ("unsupported", "still_running", "refused", "failed")
MOST_NAMES, LONGEST_NAME, LONGEST_REASON = 50, 200, 2_000
"""Of a changed runner: how many names it reports, their length, and the length of the reason why it didn't change."""
DEBUG_STATES = ("waiting", "connecting", "attached", "paused", "resumed", "detached", "failed")
MOST_THREADS, MOST_STACK_FRAMES = 200, 100
_THREAD = {"name": str, "daemon": bool, "idle": bool, "request": (str, type(None)), "frames": list}
_STACK_FRAME = {"file": str, "line": int, "function": str, "user": bool}
HIGHEST_LINE = 2**31 - 1
STEPS = ("code", "loaded", "setup", "setUp", "called")
"""Of a start (inside/start/steps.py), in their order."""
MOST_MODULES, MOST_BYTES = 10, 2**53 - 1
_IMPORTS = {"ms": int, "count": int, "modules": list}
_MODULE = {"name": str, "ms": int, "count": int}
_RAISED = {"traceback": str, "exceptionType": str, "exceptionMessage": str}


class Violation(Exception):
    """The text is part of a sentence: what the runner did."""


class Reports:
    """
    Checks the reports of one runner. `mode`: `serve` or `call`. `own`: the addresses that its server may report to
    listen on; None: only the keeper reports servers.
    """

    def __init__(self, mode: str, own: Addresses | None):
        self._mode = mode
        self._own = own
        self._hosts: set[str] = set()
        self._seen: set[str] = set()
        self._called = False
        self._swaps: set[int] = set()
        """Changes of code that it was asked for and hasn't answered."""
        self._may_wait = False
        self._debugs = False
        """It was asked to connect to a debugger."""
        self._asked: set[int] = set()
        """Questions about its stacks that it hasn't answered."""
        self._next_step = 0
        """Of its start: steps may be left out, but none comes twice or late."""

    def called(self) -> None:
        """The runner was asked to run its function."""
        self._called = True

    def asked_to_swap(self, swap: int) -> None:
        """The runner was asked to change its code. Each request has a number of its own."""
        self._swaps.add(swap)

    def may_wait(self) -> None:
        """The runner was started to wait for a debugger before its code is loaded."""
        self._may_wait = True

    def asked_to_debug(self) -> None:
        """The runner was asked to connect to a debugger."""
        self._debugs = True

    def asked_for_stacks(self, ask: int) -> None:
        """The runner was asked what it is doing. Each question has a number of its own."""
        self._asked.add(ask)

    def check(self, line: bytes) -> dict | None:
        """The report in a line; None for a report that says nothing new. Raises `Violation`."""
        report = _parse(line)
        event = report["event"]
        if not self._is_in_order(event, report):
            raise Violation(f'it reported "{event}" out of order over the emulator\'s connection')
        if event == "gated" and event in self._seen:
            # The metrics server reports too, and so may servers in forked processes.
            return None
        self._seen.add(event)
        if event in ("swapped", "unswapped"):
            self._swaps.discard(report["swap"])
        if event == "stacks":
            self._asked.discard(report["ask"])
        if event == "step":
            self._next_step = STEPS.index(report["step"]) + 1
        if event == "listening":
            if report["host"] in self._hosts:
                return None
            self._hosts.add(report["host"])
        return report

    def _is_in_order(self, event: str, report: dict) -> bool:
        if event in ("entered", "failed"):
            return event not in self._seen
        if "entered" not in self._seen:
            return False
        if event == "listening":
            own = self._own
            return own is not None and report["port"] == own.app_port and own.owns(report["host"])
        if event == "exception":
            return True
        if event == "gated":
            return self._mode == "serve"
        if event in ("swapped", "unswapped"):
            return report["swap"] in self._swaps
        if event == "stacks":
            return report["ask"] in self._asked
        if event == "debug":
            # What suspends time limits is believed only of a runner that was asked to be debugged.
            return self._debugs or (self._may_wait and report["state"] in ("waiting", "detached"))
        if event == "step":
            return self._mode == "serve" and STEPS.index(report["step"]) >= self._next_step
        if event in ("returned", "done", "swappable"):
            return self._mode == "serve" and event not in self._seen
        if self._mode != "call" or self._seen & {"result", "refused"}:
            return False
        if event == "loaded":
            return event not in self._seen
        # A failure while the callable is loaded is the outcome, too.
        return event == "refused" or report["raised"] is not None or self._called


def fitted(raised: dict) -> dict:
    """
    The three texts about an exception, cut so that they fit into one report. A traceback is cut at its start, because
    its end says most.
    """
    return {
        "traceback": cut(raised["traceback"], 150_000, at_start=True),
        "exceptionType": cut(raised["exceptionType"], 10_000),
        "exceptionMessage": cut(raised["exceptionMessage"], 60_000),
    }


def cut(text: str, most: int, at_start: bool = False) -> str:
    """`most`: the limit in bytes, as JSON."""
    while (size := len(json.dumps(text))) > most:
        keep = len(text) * most // size
        text = text[-keep:] if at_start else text[:keep]
    return text


def _parse(line: bytes) -> dict:
    if len(line) > LIMIT:
        raise Violation("it sent more than 256 KiB at once over the emulator's connection")
    try:
        report = json.loads(line, parse_int=_small, parse_float=_none, parse_constant=_none)
    except (ValueError, RecursionError):
        raise Violation("it sent something that is not JSON over the emulator's connection") from None
    if not isinstance(report, dict) or not isinstance(report.get("event"), str):
        raise Violation("it sent an unknown report over the emulator's connection")
    shape = _SHAPES.get(report["event"])
    if shape is None or not _fits(report, {"event": str, **shape}):
        raise Violation("it sent an unknown report over the emulator's connection")
    if report.get("raised") is not None and not _fits(report["raised"], _RAISED):
        raise Violation("it sent an unknown report over the emulator's connection")
    if report["event"] == "exception" and not _is_exception(report):
        raise Violation("it sent an unknown report over the emulator's connection")
    if report["event"] in ("swapped", "unswapped") and not _is_swap(report):
        raise Violation("it sent an unknown report over the emulator's connection")
    if report["event"] == "debug" and not _is_debug(report):
        raise Violation("it sent an unknown report over the emulator's connection")
    if report["event"] == "stacks" and not _are_stacks(report):
        raise Violation("it sent an unknown report over the emulator's connection")
    if report["event"] == "step" and not _is_step(report):
        raise Violation("it sent an unknown report over the emulator's connection")
    return report


def _is_debug(report: dict) -> bool:
    is_short = len(report["text"]) <= LONGEST_REASON
    return report["state"] in DEBUG_STATES and is_short and 0 <= report["threads"] <= HIGHEST_LINE


def _are_stacks(report: dict) -> bool:
    return len(report["threads"]) <= MOST_THREADS and all(
        isinstance(thread, dict)
        and _fits(thread, _THREAD)
        and len(thread["name"]) <= LONGEST_NAME
        and len(thread["request"] or "") <= LONGEST["label"]
        and len(thread["frames"]) <= MOST_STACK_FRAMES
        and all(_is_frame(frame, _STACK_FRAME) for frame in thread["frames"])
        for thread in report["threads"]
    )


def _is_step(report: dict) -> bool:
    imports = report["imports"]
    return (
        report["step"] in STEPS
        and 0 <= report["written"] <= MOST_BYTES
        and 0 <= report["ms"] <= HIGHEST_LINE
        and len(report["installed"]) <= MOST_NAMES
        and all(isinstance(name, str) and len(name) <= LONGEST_NAME for name in report["installed"])
        and _fits(imports, _IMPORTS)
        and _are_counted(imports)
        and len(imports["modules"]) <= MOST_MODULES
        and all(
            isinstance(module, dict)
            and _fits(module, _MODULE)
            and _are_counted(module)
            and len(module["name"]) <= LONGEST_NAME
            for module in imports["modules"]
        )
    )


def _are_counted(imports: dict) -> bool:
    return all(0 <= imports[name] <= HIGHEST_LINE for name in ("ms", "count"))


def _is_swap(report: dict) -> bool:
    if report["event"] == "unswapped":
        return report["code"] in SWAP_CODES and all(len(report[name]) <= LONGEST_REASON for name in ("text", "remedy"))
    return (
        all(0 <= report[name] <= HIGHEST_LINE for name in ("ms", "waited"))
        and all(len(report[name]) <= MOST_NAMES for name in ("cleared", "kept"))
        and all(isinstance(name, str) and len(name) <= LONGEST_NAME for name in (*report["cleared"], *report["kept"]))
    )


def _is_exception(report: dict) -> bool:
    frames = report["frames"]
    return (
        report["phase"] in _PHASES
        and all(len(report[name]) <= LONGEST[name] for name in ("type", "message"))
        and all(len(report[name] or "") <= LONGEST["label"] for name in ("requestId", "endpoint"))
        and len(frames) <= _MOST_FRAMES
        and all(_is_frame(frame) for frame in frames)
    )


def _is_frame(frame: object, shape: dict = _FRAME) -> bool:
    return (
        isinstance(frame, dict)
        and _fits(frame, shape)
        and all(len(frame[name]) <= LONGEST[name] for name in ("file", "function"))
        and 0 <= frame["line"] <= HIGHEST_LINE
    )


def _fits(value: dict, shape: dict) -> bool:
    return value.keys() == shape.keys() and all(
        isinstance(value[name], kind) and (kind is bool or not isinstance(value[name], bool))
        for name, kind in shape.items()
    )


def _small(digits: str) -> int:
    if len(digits) > _MAX_NUMBER:
        raise ValueError("too long")
    return int(digits)


def _none(_text: str) -> float:
    raise ValueError("no report has such a number")
