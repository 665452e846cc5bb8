"""What each thread of a runner is doing. Costs nothing until it is asked; other threads aren't stopped for it."""

from __future__ import annotations

import json
import sys
import threading

from ..shared import reports
from . import sources

_MOST_BYTES = 200_000
_IDLE = {
    ("threading.py", "wait"), ("selectors.py", "select"), ("queue.py", "get"), ("socket.py", "accept"),
    ("thread.py", "_worker"), ("connection.py", "_recv"),
}  # fmt: skip
"""Innermost frames of threads that wait for work, by file and function."""
_IDLE_NATIVE = {("grpc._cython.cygrpc", "_poll_wrapper")}
"""Threads of native code, which has no frames, that wait for work: by module and function with which they began."""


def take(request: str | None) -> list[dict]:
    """All threads except for ours, the busy ones first. `request`: the one that is being served alone."""
    found = []
    for ident, frame in sys._current_frames().items():
        thread = threading._active.get(ident)
        if _read(thread, "is_pydev_daemon_thread") or ident == threading.get_ident():
            continue
        frame = _without_debugger(frame)
        if frame is None:
            continue
        frames, is_idle = _frames(frame), _is_idle(frame, _read(thread, "_target"))
        serves = not is_idle and any(part["user"] for part in frames)
        name, is_daemon = _read(thread, "name"), _read(thread, "daemon") is True
        about = {"name": (name if isinstance(name, str) else f"thread {ident}")[: reports.LONGEST_NAME]}
        about = {**about, "daemon": is_daemon, "idle": is_idle, "request": request if serves else None}
        found.append({**about, "frames": frames})
    found.sort(key=lambda thread: (thread["idle"], not any(frame["user"] for frame in thread["frames"])))
    return _fitted(found[: reports.MOST_THREADS])


def _read(thread, name: str):
    """An attribute of a thread, or of its function; an app's subclass may compute it, or fail to."""
    try:
        return getattr(thread, name, None)
    except Exception:
        return None


def _frames(frame) -> list[dict]:
    """The innermost first."""
    found: list[dict] = []
    while frame is not None and len(found) < reports.MOST_STACK_FRAMES:
        code, names = frame.f_code, frame.f_globals
        if _is_debuggers(code):
            frame = frame.f_back
            continue
        file = sources.file_of(code, names) or code.co_filename
        found.append(
            {
                "file": file[: reports.LONGEST["file"]],
                "line": max(frame.f_lineno or 0, 0),
                "function": getattr(code, "co_qualname", code.co_name)[: reports.LONGEST["function"]],
                "user": file[:1] != "<" and sources.is_apps(file, names),
            }
        )
        frame = frame.f_back
    return found


def _without_debugger(frame):
    """The innermost frame that isn't a debugger's, nor its wait; `None`: the thread is the debugger's own."""
    found = frame
    while frame is not None:
        if _is_debuggers(frame.f_code):
            found = frame.f_back
        elif not frame.f_code.co_filename.endswith("/threading.py"):
            break
        frame = frame.f_back
    return found


def _is_debuggers(code) -> bool:
    debugpy = getattr(sys.modules.get("debugpy"), "__file__", None)
    return debugpy is not None and code.co_filename.startswith(debugpy.rpartition("/")[0] + "/")


def _is_idle(frame, target) -> bool:
    """`target`: the function with which the thread began, while it runs."""
    innermost = (frame.f_code.co_filename.rpartition("/")[2], frame.f_code.co_name)
    if innermost == ("threading.py", "run"):
        began = (_read(target, "__module__"), _read(target, "__name__"))
        return all(isinstance(part, str) for part in began) and began in _IDLE_NATIVE
    return innermost in _IDLE


def _fitted(threads: list[dict]) -> list[dict]:
    """Without the outermost frames, and then without the last threads, that don't fit into a report."""
    most = reports.MOST_STACK_FRAMES
    while len(json.dumps(threads)) > _MOST_BYTES:
        most //= 2
        if most < 4:
            return _fitted(threads[: len(threads) // 2])
        threads = [{**thread, "frames": thread["frames"][:most]} for thread in threads]
    return threads
