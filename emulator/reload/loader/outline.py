"""Compares objects of libraries by their pickles, without what the project put into them (describe.py)."""

from __future__ import annotations

import enum
import io
import types

import cloudpickle

from . import code as codes


def outline(describer, node: dict, value) -> str:
    """A digest of the object's pickle, in which the project's objects are edges of the node."""
    file = io.BytesIO()
    try:
        _Outline(file, describer, node, value).dump(value)
    except Exception as error:
        return f"can't be compared: {type(error).__name__}"
    return codes.digest(file.getvalue())


class _Outline(cloudpickle.Pickler):
    """Pickles an object of a library; objects of the project in it become edges of its node."""

    def __init__(self, file, describer, node: dict, top):
        super().__init__(file)
        self._describer, self._node, self._top = describer, node, top
        self._count = 0

    def persistent_id(self, value):
        if value is self._top or self._describer.is_plain(value):
            return None
        if isinstance(value, (type, types.FunctionType, types.ModuleType)):
            target = self._describer.target(value)
            if isinstance(target, str):
                return ("named", target)
        elif isinstance(value, enum.Enum) or self._describer.is_project_class(type(value)):
            target = self._describer.target(value)
            if isinstance(target, str):
                return ("named", target)
        else:
            return None
        self._count += 1
        self._node["edges"].append([f"part {self._count}", None, target])
        return ("part", self._count)
