"""
Exceptions of the app's code, reported to the emulator as data. Nothing that the app, its callers or its log see
changes: the functions below are called where an exception is handled, and are in no traceback.

- A request: Starlette looks up the handler of each exception, and finds none for one that nobody expects. What fails
  outside of routes (a middleware), or under a Starlette without that function, is in uvicorn's log.
- The start and end of an app: uvicorn logs what `setup()` and `teardown()` raised, while that is being handled.
- Loading the app's code, and plain functions: `host` reports them.
"""

from __future__ import annotations

import collections
import contextvars
import itertools
import logging
import sys

from ..shared import reports
from . import callables, imports, sources, streams

REQUEST, SETUP, TEARDOWN, IMPORT = "request", "setup", "teardown", "import"
_MOST_APP_FRAMES, _MOST_LAST_FRAMES, _MOST_WALKED = 20, 9, 10_000
_MOST_CAUSES, _MOST_INSIDE = 8, 10
_MOST_REMEMBERED = 64
_TRACEBACKS = ("Traceback (most recent call last)", "  + Exception Group Traceback (most recent call last)")


class Exceptions:
    """`send(report)` reports one exception. `context`: the variable with a request's labels; `serving`: serving.py"""

    def __init__(self, send, context, serving):
        self._send = send
        self._context = context
        self._serving = serving
        self._noted = contextvars.ContextVar("minifal_noted", default=None)
        self._has_started = False
        self._by_route = collections.deque(maxlen=_MOST_REMEMBERED)
        """Exceptions that a route reported and that uvicorn will log, too. No reference: it would keep their frames."""

    def install(self) -> None:
        imports.after(lambda name: name == "starlette._exception_handler", self._watch_routes)
        imports.after(lambda name: name == "uvicorn.server", lambda _: self._watch_log())

    def note(self, error: BaseException, phase: str) -> None:
        """
        Reports an exception, unless it only ends something (a cancelled task, an exit). Never raises: it is called
        while the app's own exception is handled.
        """
        try:
            error = _only(error)
            if isinstance(error, Exception):
                self._send(self._described(error, phase))
        except Exception:
            pass

    def _watch_routes(self, module) -> None:
        look_up = getattr(module, "_lookup_exception_handler", None)
        if look_up is None:
            return

        def look_up_and_note(handlers, error):
            handler = look_up(handlers, error)
            if handler is None:
                self._note_once(error)
            return handler

        module._lookup_exception_handler = look_up_and_note

    def _watch_log(self) -> None:
        logging.getLogger("uvicorn.error").addFilter(self._see)

    def _note_once(self, error: BaseException) -> None:
        """Each layer of an application asks for a handler."""
        key = _key(error)
        if key is None or self._noted.get() == key:
            return
        self._noted.set(key)
        self._by_route.append(key)
        self.note(error, REQUEST)

    def _see(self, record) -> bool:
        """A filter of uvicorn's log that lets everything through."""
        text = record.msg if isinstance(record.msg, str) else ""
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if text.startswith("Application startup complete"):
            self._has_started = True
        elif error is None and text.startswith(_TRACEBACKS):
            error = sys.exc_info()[1]
            if error is not None:
                self.note(error, TEARDOWN if self._has_started else SETUP)
        elif error is not None and "'lifespan' protocol" in text:
            self.note(error, SETUP)
        elif error is not None and not self._was_noted(error):
            self.note(error, REQUEST)
        return True

    def _was_noted(self, error: BaseException) -> bool:
        key = _key(error)
        if key not in self._by_route:
            return False
        self._by_route.remove(key)
        return True

    def _described(self, error: BaseException, phase: str) -> dict:
        value = self._context.get(None)
        labels = streams.ours(value) if isinstance(value, dict) and value else self._serving.alone
        return {
            "type": _type(error)[: reports.LONGEST["type"]],
            "message": _message(error)[: reports.LONGEST["message"]],
            "phase": phase,
            "frames": [*_frames_of(error), *_syntax_frame(error)],
            "requestId": _label(labels, "requestId"),
            "endpoint": _label(labels, "endpoint"),
        }


def _label(labels: dict, name: str) -> str | None:
    value = labels.get(name)
    return None if value is None else str(value)[: reports.LONGEST["label"]]


def _type(error: BaseException) -> str:
    kind = type(error)
    # Like a traceback names it, but without the module of the app, which has a name of the platform's (`<run_path>`).
    module = kind.__module__ if isinstance(kind.__module__, str) else ""
    is_plain = module in ("builtins", "__main__", "__mp_main__") or module[:1] == "<"
    return kind.__qualname__ if is_plain else f"{module}.{kind.__qualname__}"


def _only(error: BaseException) -> BaseException:
    """The exception in a group of one, as task groups raise it, or in the SDK's own around it."""
    for _ in range(_MOST_CAUSES):
        inside = _inside(error)
        if len(inside) == 1:
            error = inside[0]
        elif sources.is_platforms(type(error).__module__) and error.__cause__ is not None:
            error = error.__cause__
        else:
            break
    return error


def _inside(error: BaseException) -> list[BaseException]:
    """The exceptions of a group; none of any other exception."""
    inside = getattr(error, "exceptions", None)
    if not isinstance(inside, (tuple, list)):
        return []
    return [one for one in inside[:_MOST_INSIDE] if isinstance(one, BaseException)]


def _message(error: BaseException) -> str:
    """The text of a group only counts its exceptions."""
    inside = [callables.describe_error(one) for one in _inside(error)]
    return callables.message_of(error) + (f": {', '.join(inside)}" if inside else "")


def _key(error: BaseException) -> tuple | None:
    """
    Identifies an exception without keeping it: its address, and where it was raised. None if the exception's own code,
    which runs when its attributes are read, fails.
    """
    try:
        error = _only(error)
        part = error.__traceback__
    except Exception:
        return None
    while part is not None and part.tb_next is not None:
        part = part.tb_next
    return (id(error), None) if part is None else (id(error), (id(part.tb_frame.f_code), part.tb_lineno))


def _frames_of(error: BaseException) -> list[dict]:
    """
    Of the exception or, where a library raised one of its own from the app's, of that one. A group's are followed by
    those of its first exception: the group itself is raised where the app waits for all of them.
    """
    own = frames = _frames(error)
    seen = 0
    while not any(frame["isApp"] for frame in frames) and seen < _MOST_CAUSES:
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if error is None:
            return own
        frames, seen = _frames(error), seen + 1
    return frames


def _syntax_frame(error: BaseException) -> list[dict]:
    """Where text is wrong: no frame says so, because it never ran."""
    if not isinstance(error, SyntaxError) or not isinstance(error.filename, str) or not isinstance(error.lineno, int):
        return []
    file = error.filename[: sources.LONGEST_FILE]
    line = _line(error.lineno)
    return [{"file": file, "line": line, "function": "<module>", "isApp": sources.is_apps(file, {})}]


def _line(number: int | None) -> int:
    """A program can set any number."""
    return max(0, min(int(number or 0), reports.HIGHEST_LINE))


def _parts(error: BaseException):
    """The parts of the traceback, outermost first."""
    for _ in range(_MOST_CAUSES):
        part = error.__traceback__
        while part is not None:
            yield part
            part = part.tb_next
        inside = _inside(error)
        if not inside:
            break
        error = inside[0]


def _frames(error: BaseException) -> list[dict]:
    apps: collections.deque = collections.deque(maxlen=_MOST_APP_FRAMES)
    last: collections.deque = collections.deque(maxlen=_MOST_LAST_FRAMES)
    for place, part in enumerate(itertools.islice(_parts(error), _MOST_WALKED)):
        code, names = part.tb_frame.f_code, part.tb_frame.f_globals
        file = sources.file_of(code, names)
        if file is None or not file.startswith(sources.OURS):
            is_app = file is not None and sources.is_apps(file, names)
            (apps if is_app else last).append((place, file or code.co_filename, part.tb_lineno, code, is_app))
    return [
        {
            "file": file[: sources.LONGEST_FILE],
            "line": _line(line),
            "function": getattr(code, "co_qualname", code.co_name)[: reports.LONGEST["function"]],
            "isApp": is_app,
        }
        for _, file, line, code, is_app in sorted((*apps, *last), key=lambda frame: frame[0])
    ]
