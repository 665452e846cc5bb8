"""pytest plugin: skips what cannot run here, and writes one JSON line per phase of each test.

Loaded with `-p plugin`. CONFORMANCE_SELECTION names a JSON file {"skip": {test: reason}, "unskip": {test: reason}},
CONFORMANCE_REPORT the file to append to, CONFORMANCE_TIMEOUT the seconds a test may take, fixtures included.
"""

from __future__ import annotations

import json
import os
import re

import pytest

LONGEST_PARAMETER = 40


def short_id(nodeid: str) -> str:
    """The node id; long parameters (whole data URIs) are cut, so that the table can be read."""
    name, bracket, parameter = nodeid.partition("[")
    parameter = parameter.rstrip("]")
    if len(parameter) > LONGEST_PARAMETER:
        parameter = parameter[:12] + "…"
    return f"{name}[{parameter}]" if bracket else name


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    with open(os.environ["CONFORMANCE_SELECTION"]) as file:
        selection = json.load(file)
    timeout = float(os.environ["CONFORMANCE_TIMEOUT"])
    for item in items:
        name = short_id(item.nodeid)
        if name in selection["unskip"]:
            item.own_markers = [mark for mark in item.own_markers if mark.name not in ("skip", "xfail")]
        if name in selection["skip"]:
            item.add_marker(pytest.mark.skip(reason=selection["skip"][name]), append=False)
        # Upstream's own marks leave fixtures out of the time, where a deploy that hangs would hang forever.
        item.add_marker(pytest.mark.timeout(timeout, func_only=False), append=False)


def pytest_configure(config):
    # With xdist the workers' reports come to the controller; only that one writes.
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(os.environ["CONFORMANCE_REPORT"]), "minifal-recorder")


class Recorder:
    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")

    def write(self, **entry):
        self.file.write(json.dumps(entry) + "\n")
        self.file.flush()

    def pytest_runtest_logreport(self, report):
        error = error_lines(report) if report.failed else ""
        self.write(
            test=short_id(report.nodeid),
            nodeid=report.nodeid,
            phase=report.when,
            outcome=outcome(report),
            milliseconds=round(report.duration * 1000),
            reason=skip_reason(report) if report.skipped else summary(report, error),
            not_implemented=bool(re.search(r"unimplemented|not implemented|not part of minifal", error, re.IGNORECASE)),
        )

    def pytest_collectreport(self, report):
        if report.failed:
            self.write(test=report.nodeid, nodeid=report.nodeid, phase="collect", outcome="failed",
                       milliseconds=0, reason=summary(report, error_lines(report)), not_implemented=False)


def outcome(report) -> str:
    if hasattr(report, "wasxfail"):
        return "xpassed" if report.passed else "xfailed"
    return report.outcome


def skip_reason(report) -> str:
    if hasattr(report, "wasxfail"):
        return report.wasxfail or "expected to fail upstream, which gives no reason"
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return reason[len("Skipped: "):] if reason.startswith("Skipped: ") else reason


def error_lines(report) -> str:
    """The lines that pytest marks with E: messages of all exceptions of the chain, without source code."""
    lines = [line[1:].strip() for line in report.longreprtext.splitlines() if re.match(r"E\s", line)]
    return "\n".join(lines) or report.longreprtext[-2000:]


def summary(report, error: str) -> str:
    """The last exception's message, on one line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    message = crash.message if crash else error
    details = re.search(r'details = "(.*?)"\n', message)
    return " ".join((details.group(1) if details else message).split())[:200] if report.failed else ""
