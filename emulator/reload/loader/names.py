"""What values and the edges between them are called in a description: the same in each import of the same code."""

from __future__ import annotations

import inspect
import re
import sys
import types

from . import code as codes
from . import live

PRIMITIVES = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), type(NotImplemented))
_LONGEST_LABEL = 100
short = live.apply.brief
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+|<run_path>\.[\w.]+:\d+")


def is_found_by_name(function) -> bool:
    """
    Whether it is what its module has under its name. A wrapper has the names of the function that it wraps, so the
    names alone say nothing.
    """
    found = sys.modules.get(function.__globals__.get("__name__") or "")
    try:
        for name in function.__qualname__.split("."):
            found = inspect.getattr_static(found, name)
    except AttributeError:
        return False
    return (found.__func__ if isinstance(found, (staticmethod, classmethod)) else found) is function


def is_unbound(function) -> bool:
    """Whether it is a function of a library in C, and no method of an object, such as `{}.get`."""
    if not isinstance(function, types.BuiltinFunctionType):
        return False
    return function.__self__ is None or isinstance(function.__self__, (types.ModuleType, type))


class Labels:
    """Names for the edges of one node: an edge whose name another one has would hide that."""

    def __init__(self):
        self._used: dict[str, int] = {}

    def unique(self, label: str) -> str:
        if len(label) > _LONGEST_LABEL:
            label = f"{label[:_LONGEST_LABEL]}… {codes.digest(label)}"
        count = self._used[label] = self._used.get(label, 0) + 1
        return label if count == 1 else f"{label} #{count}"


def digest_of_text(value) -> str | None:
    return codes.digest(value) if isinstance(value, str) else None


def without_addresses(text: str) -> str:
    return _ADDRESS.sub("", text)
