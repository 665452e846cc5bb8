"""
A folder in parts. The kernel refuses an ordinary user an overlay of a folder with a mount below it, because the overlay
would show what that mount hides. Such a folder is made again instead, and what is in it is shown one by one.
"""

from __future__ import annotations

import os

from . import mounts

FOLDER = "folder"
"""Made again: it leads to a mount."""
OVERLAY = "overlay"
"""A folder without a mount in it, which the user can read."""
AS_IT_IS = "as it is"
"""A folder on which something is mounted, or which the user can't read anyway."""
FILE = "file"
"""Next to a folder that is made again."""
LINK = "link"

_MAX = 1_000
"""Each part costs a mount or a file for every runner."""


def of(folder: str, points: list[str], is_hidden) -> list[tuple[str, str]]:
    """
    The parts of `folder` with how each is shown; folders come before their contents. `points`: all mount points.
    `is_hidden(path)`: nothing in it is shown. Raises OSError if there are no mounts below, or too many parts.
    """
    inner = mounts.below(folder, points)
    if not inner:
        raise OSError(f"nothing is mounted below {folder}")
    ways = {folder}
    for path in inner:
        while (path := os.path.dirname(path)) != folder:
            ways.add(path)
    found: list[tuple[str, str]] = []

    def add(path: str) -> None:
        for entry in _entries(path):
            kind = _kind_of(entry, set(inner), ways)
            if kind == FOLDER and not is_hidden(entry.path) and not os.access(entry.path, os.R_OK | os.X_OK):
                kind = AS_IT_IS
            found.append((entry.path, kind))
            if len(found) > _MAX:
                raise OSError(f"{folder} has too many entries next to mounts")
            if kind == FOLDER and not is_hidden(entry.path):
                add(entry.path)

    add(folder)
    return found


def _entries(path: str) -> list[os.DirEntry]:
    with os.scandir(path) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _kind_of(entry: os.DirEntry, inner: set[str], ways: set[str]) -> str:
    # What is mounted may not answer, so nothing here looks at it.
    if entry.is_symlink():
        return LINK
    if not entry.is_dir(follow_symlinks=False):
        return FILE
    if entry.path in inner:
        return AS_IT_IS
    if entry.path in ways:
        return FOLDER
    return OVERLAY if os.access(entry.path, os.R_OK | os.X_OK) else AS_IT_IS
