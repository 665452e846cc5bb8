"""Which of the machine's folders are hidden from a runner, and which parts of them it needs nevertheless."""

from __future__ import annotations

import os
import pwd
import sys
from typing import NamedTuple

from ..shared.here import FOLDER
from . import mounts

_NOT_A_CONTAINERS = ("/home", "/root", "/mnt", "/media", "/boot", "/lost+found", "/tmp", "/var/tmp")
"""Containers don't have the contents of these folders of a machine. /run, /dev and the like are handled one by one."""

HUGGING_FACE = "/data/.cache/huggingface"
"""The path to which the platform's variables point huggingface_hub."""


class Places(NamedTuple):
    """Absolute paths, the same for every runner of a supervisor."""

    home: str
    home_link: str | None
    """The path in HOME, if it is a link that leads to `home`."""
    hidden: list[str]
    """Shown empty; folders below an earlier one aren't listed."""
    shown: list[str]
    """Shown read-only, in hidden places."""
    shared: list[str]
    """Shown writable, in hidden places."""
    copied: list[str]
    """Writes to these are private to the runner."""
    hugging_face: dict | None
    """`path`, shown at HUGGING_FACE; if not `writable`, writes are private to the runner."""
    data_folder: str
    mount_points: list[str]
    """All mount points of the machine."""

    def hides(self, path: str) -> bool:
        return any(is_at_or_below(path, place) for place in self.hidden)


def find(disk: dict, extra_paths: list[str]) -> Places:
    """
    `disk`, of the supervisor's configuration: `dataFolder`; `shown` and `shared`, which runners may read and write at
    their own paths; `huggingFace`; `compiled`, one more writable folder.
    """
    given_home = os.path.abspath(os.environ.get("HOME") or _registered_home())
    home = os.path.realpath(given_home)
    hidden = [*_NOT_A_CONTAINERS, home, _registered_home(), disk["dataFolder"]]
    is_virtual = sys.prefix != sys.base_prefix
    # That the machine's own libraries are there is no reason to show a whole home.
    libraries = [path for path in _libraries() if not is_at_or_below(home, path)]
    shown = [FOLDER, *_python(home), *extra_paths, *disk["shown"], *libraries]
    return Places(
        home,
        None if given_home == home else given_home,
        _outermost(form for path in hidden for form in (path, os.path.realpath(path)) if form != "/"),
        _outermost(form for path in shown for form in (path, os.path.realpath(path)))
        + _ways_to(sys.executable),
        [*disk["shared"], disk["compiled"]],
        [sys.prefix] if is_virtual else [],
        disk["huggingFace"],
        os.path.realpath(disk["dataFolder"]),
        mounts.points(),
    )


def is_at_or_below(path: str, place: str) -> bool:
    return path == place or path.startswith(place + "/")


def _registered_home() -> str:
    try:
        return os.path.abspath(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return "/root"


def _python(home: str) -> list[str]:
    """The folders of Python itself, which people also install into their home or its .local, next to private files."""
    prefix = os.path.realpath(sys.base_prefix)
    if not is_at_or_below(home, prefix) and prefix != os.path.join(home, ".local"):
        return [sys.base_prefix]
    return [os.path.join(prefix, name) for name in ("bin", "lib", "lib64", "include")]


def _libraries() -> list[str]:
    return [path for path in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if os.path.isdir(path)]


def _outermost(paths) -> list[str]:
    found: list[str] = []
    for path in sorted({os.path.normpath(path) for path in paths}):
        if not any(is_at_or_below(path, place) for place in found):
            found.append(path)
    return found


def _ways_to(program: str) -> list[str]:
    """
    The links that lead to a program, without the program: the link in a virtual environment leads to one that may be
    moved.
    """
    found = []
    while os.path.islink(program) and len(found) < 40:
        program = os.path.normpath(os.path.join(os.path.dirname(program), os.readlink(program)))
        found.append(program)
    return found
