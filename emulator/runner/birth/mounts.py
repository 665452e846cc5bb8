"""Mount namespaces: the kernel calls alone, without any knowledge of what a runner should see."""

from __future__ import annotations

import os
import re
import struct

from ..shared import kernel

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MNT_DETACH = 2

_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_ATTR_RDONLY = 1
_MOUNT_SETATTR = 442
"""The system call's number on every architecture; Linux 5.12."""


def library():
    """The C library. Raises OSError if there are no namespaces."""
    found = kernel.libc()
    if found is None:
        raise OSError("mount namespaces need Linux and ctypes")
    return found


def own_namespace() -> bool:
    """
    Moves this process (single-threaded) into a mount namespace of its own, whose changes don't affect the machine's.
    Returns whether it also entered a user namespace, which every user except root needs. Raises OSError.
    """
    uid, gid = os.getuid(), os.getgid()
    is_user = uid != 0 or library().unshare(CLONE_NEWNS) != 0
    if is_user:
        kernel.check(library().unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare")
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    mount(None, "/", MS_REC | MS_PRIVATE)
    return is_user


def own_ipc() -> None:
    """System V shared memory and semaphores would outlive this process. On a kernel without IPC namespaces they do."""
    library().unshare(CLONE_NEWIPC)


def user_namespace() -> int | None:
    """The user namespace of this process."""
    try:
        return os.stat("/proc/self/ns/user").st_ino
    except OSError:
        return None


def mount(source: str | None, target: str, flags: int, kind: str | None = None, data: str | None = None) -> None:
    """Raises an OSError that names `target`."""
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    result = library().mount(encoded[0], encoded[1], encoded[2], flags, encoded[3])
    kernel.check(result, f"mount on {target}")


def bind(source: str, target: str) -> None:
    """Shows `source` (a folder with all mounts below it, or a file) at `target`, which exists."""
    mount(source, target, MS_BIND | MS_REC)


def bind_read_only(source: str, target: str) -> None:
    """
    Like `bind`, but read-only, including all mounts below. Raises OSError; nothing is left at `target` then, because it
    would be writable.
    """
    bind(source, target)
    attributes = struct.pack("QQQQ", _ATTR_RDONLY, 0, 0, 0)
    result = library().syscall(
        _MOUNT_SETATTR, _AT_FDCWD, os.fsencode(target), _AT_RECURSIVE, attributes, len(attributes)
    )
    if result != 0:
        try:
            kernel.check(result, f"make {target} read-only")
        finally:
            library().umount2(os.fsencode(target), MNT_DETACH)


def overlay(lower: str, upper: str, work: str, target: str, is_user: bool) -> None:
    """
    Shows `lower` at `target`; writes go to `upper` alone. `work`: an empty folder next to it. Nothing is flushed to the
    disk: the writes are lost when the runner ends, at the latest when the machine stops. Raises OSError.

    The kernel creates folders and files in `work` that nobody may enter or read, also if it refuses then. Programs
    couldn't delete or copy them, so they are opened, wherever `work` has been moved meanwhile.
    """
    opened = [os.open(work, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]
    try:
        given = [_without_separators(path, opened) for path in (lower, upper, work)]
        options = "lowerdir={},upperdir={},workdir={},volatile".format(*given) + (",userxattr" if is_user else "")
        mount("overlay", target, MS_NODEV if is_user else 0, "overlay", options)
    finally:
        for _, folders, files, inner in os.fwalk(dir_fd=opened[0]):
            for name in folders + files:
                os.chmod(name, 0o700, dir_fd=inner)
        for fd in opened:
            os.close(fd)


def _without_separators(path: str, opened: list[int]) -> str:
    """Another name of the same folder, without characters that separate mount options."""
    if not any(character in path for character in ",:\\"):
        return path
    opened.append(os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
    return f"/proc/self/fd/{opened[-1]}"


def below(folder: str, table: list[str]) -> list[str]:
    """The outermost mount points in `table` that are strictly below `folder`."""
    prefix = folder.rstrip("/") + "/"
    found: list[str] = []
    for point in sorted(point for point in table if point.startswith(prefix)):
        if not found or not point.startswith(found[-1] + "/"):
            found.append(point)
    return found


def points() -> list[str]:
    """Every mount point that this process can see."""
    with open("/proc/self/mountinfo", "rb") as file:
        # Blanks and similar characters are escaped as octal numbers.
        escaped = [line.split(b" ")[4] for line in file]
    return [os.fsdecode(re.sub(rb"\\(\d{3})", lambda match: bytes([int(match[1], 8)]), path)) for path in escaped]


def move_root(new_root: str) -> None:
    """
    Makes `new_root`, a mount point, this process's root and working folder; the old root is unmounted. Raises OSError.
    """
    os.chdir(new_root)
    kernel.check(library().syscall(_pivot_root_number(), b".", b"."), "pivot_root")
    kernel.check(library().umount2(b".", MNT_DETACH), "umount the old root")
    os.chdir("/")


def _pivot_root_number() -> int:
    machine = os.uname().machine
    if machine == "x86_64":
        return 155
    if machine in ("aarch64", "riscv64"):
        return 41
    raise OSError(f"pivot_root has no known number on {machine}")
