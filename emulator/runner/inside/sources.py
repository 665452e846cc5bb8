"""
Where code comes from, as the developer knows it. Code that travels by value has no file name of its own any more
(cloudpickle names it `<dynamic-code>`), but its globals still have the `__file__` of the developer's machine.
"""

from __future__ import annotations

import os

from ..shared import lines, reports
from ..shared.here import FOLDER

LONGEST_FILE = reports.LONGEST["file"]
OURS = FOLDER + os.sep
"""The start of the emulator's own files."""
_LIBRARIES = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_STANDARD = tuple({os.path.dirname(path) + os.sep for path in (os.__file__, os.path.realpath(os.__file__))})
_added: list[str] = []
"""Folders of packages that the emulator adds to an environment."""
_PLATFORM = ("fal", "fal_client", "isolate", "isolate_proto")
"""Packages that may be part of the pickled app, from whatever folder of the developer's machine."""


def add_libraries(folders: list[str]) -> None:
    """From now on no code in these folders counts as the app's."""
    _added.extend(os.path.abspath(folder) + os.sep for folder in folders)


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
    if file.startswith((OURS, *_STANDARD, *_added)) or any(part in file for part in _LIBRARIES):
        return False
    return not is_platforms(names.get("__name__"))


def is_platforms(module) -> bool:
    """Whether a module of this name is part of the SDK."""
    return isinstance(module, str) and module.partition(".")[0] in _PLATFORM


_MOST_FRAMES, _MOST_KNOWN = 60, 10_000
_known: dict[int, tuple[object, dict[int, bytes] | None, bytes]] = {}
"""
By identity of a code object: the object itself, so that no other gets its identity; the places of its instructions that
are known, or None where it isn't the app's; its file as `lines.file_in` made it.
"""


def place_of(frame) -> bytes:
    """Where the app's code called, directly or through libraries, as `lines.place_in` made it; empty: nowhere."""
    for _ in range(_MOST_FRAMES):
        if frame is None:
            break
        code = frame.f_code
        known = _known.get(id(code)) or _learn(code, frame.f_globals)
        places = known[1]
        if places is not None:
            at = frame.f_lasti
            place = places.get(at)
            if place is None:
                place = places[at] = lines.place_in(frame.f_lineno or 0, known[2])
            return place
        frame = frame.f_back
    return b""


def _learn(code, names: dict) -> tuple[object, dict[int, bytes] | None, bytes]:
    if len(_known) >= _MOST_KNOWN:
        # A program that makes code without end.
        _known.clear()
    file = file_of(code, names)
    known = (code, {}, lines.file_in(file)) if file is not None and is_apps(file, names) else (code, None, b"")
    _known[id(code)] = known
    return known
