"""Calls to the kernel that Python has no function for. On other systems than Linux they do nothing."""

from __future__ import annotations

import os
import sys

LINUX = sys.platform == "linux"

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

_libc = None


def libc():
    """The C library, errors readable by `ctypes.get_errno`; None where Python was built without ctypes."""
    global _libc
    if _libc is None and LINUX:
        try:
            import ctypes

            _libc = ctypes.CDLL(None, use_errno=True)
        except (ImportError, OSError):
            return None
    return _libc


def check(result: int, what: str) -> None:
    """Turns the result of a C function into an OSError that names `what`."""
    if result != 0:
        import ctypes

        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def _prctl(option: int, value: int) -> None:
    library = libc()
    if library is not None:
        library.prctl(option, value, 0, 0, 0)


def become_subreaper() -> None:
    """From now on orphaned descendants become children of this process, whatever session they made for themselves."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(signal_number: int, parent: int) -> None:
    """Receive this signal when the parent dies; ends at once if it already did."""
    _prctl(PR_SET_PDEATHSIG, int(signal_number))
    if LINUX and os.getppid() != parent:
        os._exit(1)


def children_of(pid: int) -> list[int]:
    """Direct children, from /proc; an empty list where there is no /proc."""
    found = []
    try:
        names = os.listdir("/proc")
    except OSError:
        return found
    for name in names:
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                # The command name stands in parentheses and may hold anything: the parent comes after the last one.
                parent = int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue
        if parent == pid:
            found.append(int(name))
    return found
