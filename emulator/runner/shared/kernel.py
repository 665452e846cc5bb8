"""Calls to the kernel that Python has no function for. They do nothing on systems other than Linux."""

from __future__ import annotations

import os
import signal
import struct
import sys

LINUX = sys.platform == "linux"

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
_CAP_SYS_ADMIN = 21
_CAPSET = {"x86_64": 126, "aarch64": 91, "riscv64": 91}
_KEYCTL = {"x86_64": 250, "aarch64": 219, "riscv64": 219}
_JOIN_SESSION_KEYRING = 1
_CLONE = {"x86_64": 56, "aarch64": 220, "riscv64": 220}
_CLONE_PARENT = 0x8000
_CAPABILITIES_3 = 0x20080522

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
    """From now on orphaned descendants become children of this process, in whatever session they are."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(signal_number: int, parent: int) -> None:
    """Sends this signal to the process when its parent dies; ends the process at once if the parent is already dead."""
    _prctl(PR_SET_PDEATHSIG, int(signal_number))
    if LINUX and os.getppid() != parent:
        os._exit(1)


def can_fork_sibling() -> bool:
    return libc() is not None and os.uname().machine in _CLONE


def fork_sibling() -> int:
    """
    Like `os.fork`, but the new process is a child of our parent, so nothing in this process can wait for it. For a
    process with one thread, where `can_fork_sibling` holds. Doesn't call the hooks of `os.register_at_fork`. Raises
    OSError.
    """
    import ctypes

    # PyDLL keeps the interpreter's lock, so that both processes hold it afterwards.
    library = ctypes.PyDLL(None, use_errno=True)
    child = library.syscall(_CLONE[os.uname().machine], _CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0)
    check(min(child, 0), "fork")
    return child


def set_dumpable(value: bool) -> None:
    """
    Whether processes of the same user may inspect this one's memory and descriptors. Starting a program enables it.
    """
    _prctl(PR_SET_DUMPABLE, int(value))


def leave_keyring() -> None:
    """
    Joins a new session keyring instead of the user's, which holds the login credentials. Keeps the old one on failure.
    """
    library, number = libc(), _KEYCTL.get(os.uname().machine)
    if library is not None and number is not None:
        library.syscall(number, _JOIN_SESSION_KEYRING, None)


def give_up_capabilities() -> None:
    """
    Gives up the capabilities of the creator of a user namespace. Root in the namespace keeps all except the one for
    mounts, because installers need them. Raises OSError.
    """
    library, number = libc(), _CAPSET.get(os.uname().machine)
    if library is None or number is None:
        raise OSError("the number of capset isn't known on this machine")
    # A program that root starts gets everything that the bounding set allows.
    check(library.prctl(PR_CAPBSET_DROP, _CAP_SYS_ADMIN, 0, 0, 0), "give up the right to mount")
    kept = 0 if os.getuid() != 0 else ~(1 << _CAP_SYS_ADMIN) & _permitted()
    low, high = kept & 0xFFFFFFFF, kept >> 32
    # Effective, permitted and inheritable sets: first for the lower capabilities, then for the higher ones.
    sets = struct.pack("6I", low, low, 0, high, high, 0)
    check(library.syscall(number, struct.pack("Ii", _CAPABILITIES_3, 0), sets), "give up capabilities")


def act_on_files_as(user: int, group: int) -> None:
    """File operations of this thread are done as this user. Root's rights over files don't apply then."""
    library = libc()
    if library is not None:
        library.setfsgid(group)
        library.setfsuid(user)


def _permitted() -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1], 16) for line in file if line.startswith("CapPrm:"))


def parent(process: int) -> int:
    """Raises OSError if there is no such process."""
    with open(f"/proc/{process}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("PPid:"))


def children(process: int | None = None) -> list[int]:
    """Direct children of a process (default: this one); an empty list where there is no /proc."""
    parent = os.getpid() if process is None else process
    found = []
    try:
        for task in os.listdir(f"/proc/{parent}/task"):
            with open(f"/proc/{parent}/task/{task}/children", "rb") as file:
                found += [int(pid) for pid in file.read().split()]
    except OSError:
        # The kernel has no such lists, or the process has ended.
        return _children_by_scan(parent)
    return found


def _children_by_scan(parent: int) -> list[int]:
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
                # The command name is in parentheses and may contain any character: the parent follows the last
                # parenthesis.
                if int(file.read().rpartition(b")")[2].split()[1]) == parent:
                    found.append(int(name))
        except (OSError, IndexError, ValueError):
            continue
    return found
