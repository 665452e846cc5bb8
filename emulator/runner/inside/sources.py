"""
Where code comes from, as the developer knows it. Code that travels by value has no file name of its own any more
(cloudpickle names it `<dynamic-code>`), but its globals still have the `__file__` of the developer's machine.
"""

from __future__ import annotations

import os
import sysconfig

from ..shared.here import FOLDER

LONGEST_FILE = 500
OURS = FOLDER + os.sep
"""The start of the emulator's own files."""
_LIBRARIES = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_STANDARD = tuple(
    {
        os.path.realpath(path) + os.sep
        for name in ("stdlib", "platstdlib")
        if (path := sysconfig.get_paths().get(name)) is not None
    }
    | {os.path.dirname(os.path.abspath(os.__file__)) + os.sep}
)
_PLATFORM = ("fal", "fal_client", "isolate", "isolate_proto")
"""Packages that may be part of the pickled app, from whatever folder of the developer's machine."""


def file_of(code, names: dict) -> str | None:
    """
    The file of a code object, as its developer knows it; None for text that was executed. `names`: the globals of its
    frame, which belong to the app.
    """
    file = code.co_filename
    if file == "<dynamic-code>":
        file = names.get("__file__")
        if not isinstance(file, str):
            return None
    if file[:1] == "<":
        return None
    return file[:LONGEST_FILE]


def is_apps(file: str, names: dict) -> bool:
    """Whether a file is the app's own: no library, no part of Python, the SDK or the emulator."""
    if file.startswith((OURS, *_STANDARD)) or any(part in file for part in _LIBRARIES):
        return False
    return not is_platforms(names.get("__name__"))


def is_platforms(module) -> bool:
    """Whether a module of this name is part of the SDK."""
    return isinstance(module, str) and module.partition(".")[0] in _PLATFORM
