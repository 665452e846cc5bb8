"""
Gives code that travels by value the name of its file back, so that breakpoints of that file stop in it: cloudpickle
names it `<dynamic-code>`, but the globals of its functions have the developer's `__file__`.

Only a runner with a debugger does this, because it changes the text of tracebacks. Calls that run already keep the code
that they began with.
"""

from __future__ import annotations

import types

from .. import objects

_NAMELESS = "<dynamic-code>"
files: set[str] = set()
"""Those of all functions, also if the runner can't see them on its disk."""
_renamed: dict[int, tuple] = {}
"""By identity of a renamed code: itself, and the code that it replaces. Both are kept, so no identity is used twice."""


def rename() -> None:
    """For all functions there are. Takes some milliseconds."""
    for function in objects.every():
        if type(function) is not types.FunctionType:
            continue
        if function.__code__.co_filename == _NAMELESS:
            file = function.__globals__.get("__file__")
            if isinstance(file, str):
                function.__code__ = _named(function.__code__, file)
        files.add(function.__code__.co_filename)


def before(code) -> tuple:
    """The codes that calls which began earlier may still run in place of this one."""
    found = []
    while (known := _renamed.get(id(code))) is not None:
        code = known[1]
        found.append(code)
    return tuple(found)


def _named(code, file: str):
    constants = tuple(_named(part, file) if isinstance(part, types.CodeType) else part for part in code.co_consts)
    named = code.replace(co_filename=file, co_consts=constants)
    _renamed[id(named)] = (named, code)
    return named
