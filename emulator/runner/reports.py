"""
What a runner may report over its channel. The channel is within reach of user code, so everything that comes in is
judged here: known events with known keys, in the order that a runner of this mode sends them.
"""

from __future__ import annotations

import json
import socket

LIMIT = 256 * 1024
"""Bytes of one report."""
_LONGEST_NUMBER = 20
_SHAPES = {
    "port": {"port": int, "rules": str},
    "gated": {},
    "listening": {"host": str, "port": int},
    "loaded": {},
    "returned": {},
    "done": {},
    "failed": {"reason": str},
    "result": {"method": str, "raised": (dict, type(None))},
    "refused": {"reason": str},
}
_RAISED = {"traceback": str, "exceptionType": str, "exceptionMessage": str}


class Violation(Exception):
    """A part of a sentence: what the runner did."""


class Reports:
    """The reports of one runner. `mode`: `serve` or `call`."""

    def __init__(self, mode: str):
        self._mode = mode
        self._port: int | None = None
        self._hosts: set[str] = set()
        self._seen: set[str] = set()
        self._called = False

    def called(self) -> None:
        """The runner was asked to run its function."""
        self._called = True

    def judge(self, line: bytes) -> dict | None:
        """The report that a line is; None where it says nothing new. Raises `Violation`."""
        report = _parse(line)
        event = report["event"]
        if not self._is_in_order(event, report):
            raise Violation(f'it reported "{event}" out of order over the emulator\'s connection')
        if event == "gated" and event in self._seen:
            # The metrics have a server of their own, and forked processes may have one, too.
            return None
        self._seen.add(event)
        if event == "port":
            self._port = report["port"]
        elif event == "listening":
            if report["host"] in self._hosts:
                return None
            self._hosts.add(report["host"])
        return report

    def _is_in_order(self, event: str, report: dict) -> bool:
        if event == "port":
            return self._port is None
        if event == "failed":
            return event not in self._seen
        if self._port is None:
            return False
        if event == "listening":
            known = report["host"] in self._hosts
            return report["port"] == self._port and (known or len(self._hosts) < 2 and _is_ours(report["host"]))
        if event == "gated":
            return self._mode == "serve"
        if event in ("returned", "done"):
            return self._mode == "serve" and event not in self._seen
        if self._mode != "call" or self._seen & {"result", "refused"}:
            return False
        if event == "loaded":
            return event not in self._seen
        # What fails while it is loaded is the outcome, too.
        return event == "refused" or report["raised"] is not None or self._called


def fitted(raised: dict) -> dict:
    """The three texts about an exception, cut so that they fit into one report: of a traceback the end says most."""
    return {
        "traceback": cut(raised["traceback"], 150_000, at_start=True),
        "exceptionType": cut(raised["exceptionType"], 10_000),
        "exceptionMessage": cut(raised["exceptionMessage"], 60_000),
    }


def cut(text: str, most: int, at_start: bool = False) -> str:
    """`most`: bytes as JSON."""
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
        raise Violation("it sent something that is no JSON over the emulator's connection") from None
    if not isinstance(report, dict) or not isinstance(report.get("event"), str):
        raise Violation("it sent no known report over the emulator's connection")
    shape = _SHAPES.get(report["event"])
    if shape is None or not _fits(report, {"event": str, **shape}):
        raise Violation("it sent no known report over the emulator's connection")
    if report.get("raised") is not None and not _fits(report["raised"], _RAISED):
        raise Violation("it sent no known report over the emulator's connection")
    return report


def _fits(value: dict, shape: dict) -> bool:
    return value.keys() == shape.keys() and all(
        isinstance(value[name], kind) and not isinstance(value[name], bool) for name, kind in shape.items()
    )


def _small(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise ValueError("too long")
    return int(digits)


def _none(_text: str) -> float:
    raise ValueError("no report has such a number")


def _is_ours(host: str) -> bool:
    """Whether the address is one of this machine's: only those can be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.inet_pton(family, host)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((host, 0))
    except (OSError, ValueError):
        return False
    return True
