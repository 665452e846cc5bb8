"""
Descriptors that a process must not keep: those of its parent, and those that the shell that started the emulator left
open.
"""

from __future__ import annotations

import os

from . import kernel

_MAX = 65536


def close_all_but(keep: set[int]) -> None:
    """Closes all other descriptors. Nothing in this process may use them afterwards."""
    for number in _open_ones():
        if number not in keep:
            try:
                os.close(number)
            except OSError:
                pass


def _open_ones():
    try:
        return [int(name) for name in os.listdir("/proc/self/fd" if kernel.LINUX else "/dev/fd")]
    except (OSError, ValueError):
        return range(min(os.sysconf("SC_OPEN_MAX"), _MAX))
