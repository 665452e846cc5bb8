"""
Isolates a runner from the machine's other programs: neither the runner nor what it starts can send signals to outside
processes, inspect them, or connect to their abstract Unix sockets (the disk's isolation covers sockets with a path).
Among themselves they can do all of that, and outside processes can do it to them. Requires Linux 6.12 (Landlock ABI 6),
but no privilege.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from ..shared import kernel
from . import rootfs

_CREATE_RULESET, _RESTRICT_SELF = 444, 446
"""By number, which is the same on every architecture."""
_ASK_VERSION = 1
_VERSION = 6
_ABSTRACT_UNIX_SOCKET, _SIGNAL = 1, 2
_PR_SET_NO_NEW_PRIVS = 38


def why_not() -> str | None:
    """Why runners can't be isolated here; None: they can. Tries it in a child process."""
    library = kernel.libc()
    if library is None:
        return "it requires Linux and ctypes"
    if not kernel.can_fork_sibling():
        return "commands can't be run in isolated runners (door.py) on this machine"
    version = library.syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)
    if version < 0:
        return f"Landlock: {os.strerror(ctypes.get_errno())}"
    if version < _VERSION:
        return f"it requires version {_VERSION} of Landlock (Linux 6.12 or later); this is version {version}"
    found = rootfs.try_in_child(_try)
    return None if isinstance(found, dict) else found


def _try() -> None:
    enter()
    try:
        os.kill(os.getppid(), 0)
    except PermissionError:
        return
    raise OSError("a signal got through")


def enter() -> None:
    """Restricts this process (single-threaded), and everything that it will start, permanently. Raises OSError."""
    library = kernel.libc()
    # The ruleset: nothing about files and ports, then the scopes that it restricts.
    attributes = struct.pack("QQQ", 0, 0, _ABSTRACT_UNIX_SOCKET | _SIGNAL)
    rules = library.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    kernel.check(min(rules, 0), "Landlock")
    try:
        result = library.syscall(_RESTRICT_SELF, rules, 0)
        if result != 0 and ctypes.get_errno() == errno.EPERM:
            # The process has no privileges in its user namespace. Then programs must not be able to gain any (sudo).
            library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            result = library.syscall(_RESTRICT_SELF, rules, 0)
        kernel.check(result, "Landlock")
    finally:
        os.close(rules)
