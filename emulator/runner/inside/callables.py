"""
The registered callable: how it is loaded, and how its outcome is described and serialized
(docs/platform/runner-process.md#what-arrives, #results).
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import os
import sys
import traceback

from ..shared.here import FOLDER
from . import hosts

_OURS = FOLDER + os.sep
_ASYNCIO = os.path.dirname(os.path.abspath(asyncio.__file__)) + os.sep
_MAX_TEXT = 1_000_000


class Refused(Exception):
    """
    The callable, or its result, can't be serialized: a sentence for the caller (docs/platform/control-plane.md#errors).
    """


class Unloadable(Refused):
    """The callable's bytes can't be loaded; the cause says why."""

    def as_result(self) -> Exception | None:
        """
        What isolate returns to the caller in this case: its SerializationError around the cause, from which the SDK
        names the missing module. None where the environment has no isolate.
        """
        try:
            from isolate.connections.common import SerializationError
        except ImportError:
            return None
        error = SerializationError("Error while deserializing the given object")
        # Without frames: those of a failed import belong to the emulator and cloudpickle, and the CLI would print them.
        error.__cause__ = self.__cause__.with_traceback(None)
        return error


def load(spec: dict, kind: str):
    """Loads the callable that `spec` names. `kind`: `function` or `setup`, for the sentence when loading fails."""
    if spec["kind"] == "entrypoint":
        return _Entrypoint(spec["name"])
    try:
        with open(spec["file"], "rb") as file:
            found = importlib.import_module(spec["method"]).loads(file.read())
    except BaseException as error:
        sentence = f"The {kind} function could not be deserialized: {describe_error(error)}"
        # For a missing module its name is enough; where the app's own code failed, the frames say where.
        print(sentence if isinstance(error, ImportError) else traceback_of(error), file=sys.stderr)
        raise Unloadable(sentence) from error
    hosts.correct_loaded()
    if not callable(found):
        raise Refused(f"The {kind} function must be callable, not {type(found).__name__}.")
    return found


class _Entrypoint:
    """Resolved when it is called: an import that fails is the outcome of the run, not a refusal."""

    def __init__(self, name: str):
        self._name = name
        self.was_found = False

    def resolve(self):
        module, separator, attributes = self._name.partition(":")
        if not separator or not module or not attributes or ":" in attributes:
            raise ValueError(f"Invalid entrypoint {self._name!r}: expected 'module:attr'.")
        found = importlib.import_module(module)
        for attribute in attributes.split("."):
            found = getattr(found, attribute)
        self.was_found = True
        return found

    def __call__(self, **options):
        return self.resolve()(**options)


def was_imported(function) -> bool:
    """Whether the function's code is there: that of an entrypoint is imported at its first use."""
    return not isinstance(function, _Entrypoint) or function.was_found


def ports_for(function, port: int, metrics_port: int) -> dict[str, int]:
    """
    The port arguments that the callable's signature accepts, and no others
    (docs/platform/runner-process.md#shapes-of-a-callable).
    """
    target = function.resolve() if isinstance(function, _Entrypoint) else function
    try:
        names = inspect.signature(target).parameters
    except (TypeError, ValueError):
        return {}
    given = {"exposed_port": port, "exposed_metrics_port": metrics_port}
    return {name: value for name, value in given.items() if name in names}


def invoke(function, arguments: list, options: dict):
    """Calls the function on this thread; runs a coroutine to completion on a loop of its own."""
    value = function(*arguments, **options)
    return asyncio.run(value) if inspect.iscoroutine(value) else value


def method_of(spec: dict) -> str:
    """Name of the module that serializes the result."""
    return "pickle" if spec["kind"] == "entrypoint" else spec["method"]


def serialize(value, method: str) -> bytes:
    if isinstance(value, BaseException):
        _let_tracebacks_pickle(value)
    try:
        return importlib.import_module(method).dumps(value)
    except BaseException as error:
        print(traceback_of(error), file=sys.stderr, end="")
        raise Refused(f"Error while serializing the execution result (object of type {type(value)}).") from error


def describe(error: BaseException) -> dict:
    """The three texts that accompany a pickled exception, and the exception itself without our frames."""
    text = traceback_of(error)
    error.__traceback__ = _users_part(error)
    return {"traceback": text, "exceptionType": type(error).__name__, "exceptionMessage": message_of(error)}


def traceback_of(error: BaseException) -> str:
    """The traceback as Python prints it, from the first frame that is not the emulator's."""
    lines = traceback.format_exception(type(error), error, _users_part(error))
    return "".join(lines)[:_MAX_TEXT]


def _users_part(error: BaseException):
    part = error.__traceback__
    while part is not None and part.tb_frame.f_code.co_filename.startswith((_OURS, _ASYNCIO)):
        part = part.tb_next
    return part


def message_of(error: BaseException) -> str:
    """The exception's text, also if creating the text fails."""
    try:
        return str(error)[:_MAX_TEXT]
    except Exception:
        return f"<{type(error).__name__} whose text could not be made>"


def describe_error(error: BaseException) -> str:
    """The exception's type and text, also if creating the text fails."""
    return f"{type(error).__name__}: {message_of(error)}"


def _let_tracebacks_pickle(error: BaseException) -> None:
    """The SDK's wrapper installs tblib itself; entry points have no wrapper."""
    try:
        from tblib.pickling_support import install
    except ImportError:
        return
    install()
    try:
        install(error)
    except Exception:
        pass
