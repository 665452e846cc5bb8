"""
A bind of a Unix socket that is carried out for its caller (notify.py): to a path in the caller's own files, relative to
its own folder, with its user and umask. Only a process in that world can do so, hence each takes a child of ours.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import Callable, NamedTuple

from ..birth import rootfs
from ..shared import kernel
from . import sockets

_FAMILY_BYTES = 2


def is_path(raw: bytes) -> bool:
    """Whether the address is a path, and no abstract name, which has no owner and no folder."""
    (family,) = struct.unpack_from("=H", raw)
    return family == socket.AF_UNIX and len(raw) > _FAMILY_BYTES and raw[_FAMILY_BYTES] != 0


def start(sock: socket.socket, raw: bytes, thread: int, is_waiting: Callable[[], bool]) -> int:
    """
    Returns a descriptor, from which one byte comes: 0 or an error's number; its end alone means that the attempt died.
    `is_waiting`: whether the caller, `thread`, still is who it was when the call was taken. Raises OSError.
    """
    reader, writer = os.pipe()
    try:
        child = os.fork()
    except OSError:
        os.close(reader)
        os.close(writer)
        raise
    if child == 0:
        try:
            os.write(writer, bytes([_bind(sock, raw, thread, is_waiting)]))
        finally:
            os._exit(0)
    os.close(writer)
    return reader


def _bind(sock: socket.socket, raw: bytes, thread: int, is_waiting: Callable[[], bool]) -> int:
    try:
        caller = _look_at(thread)
        if not is_waiting():
            return errno.EINTR
        _become(caller)
        result = sockets.bind_raw(sock, raw)
    except OSError as error:
        return error.errno or errno.EACCES
    asked = raw[_FAMILY_BYTES:].split(b"\0")[0]
    # Before 5.19 a signal makes the call come twice.
    return 0 if result == errno.EINVAL and os.fsencode(sock.getsockname()) == asked else result


class _Caller(NamedTuple):
    namespaces: list[tuple[int, str, int]]
    """Those that aren't ours, as `rootfs.enter_namespaces` takes them."""
    root: int
    folder: int
    user: int
    group: int
    umask: int


def _look_at(thread: int) -> _Caller:
    """Raises OSError where the caller can't be looked into."""
    root, folder = (os.open(f"/proc/{thread}/{name}", os.O_PATH | os.O_DIRECTORY) for name in ("root", "cwd"))
    with open(f"/proc/{thread}/status") as file:
        about = dict(line.rstrip("\n").split(":", 1) for line in file)
    # Real, effective, saved, and that of the file system.
    user, group = (int(about[name].split()[3]) for name in ("Uid", "Gid"))
    namespaces = rootfs.foreign_namespaces(thread, ("user", "mnt"))
    return _Caller(namespaces, root, folder, user, group, int(about["Umask"], 8))


def _become(caller: _Caller) -> None:
    """Raises OSError."""
    rootfs.enter_namespaces(caller.namespaces)
    if not os.path.samestat(os.fstat(caller.root), os.stat("/")):
        os.fchdir(caller.root)
        os.chroot(".")
    os.fchdir(caller.folder)
    os.umask(caller.umask)
    if any(name == "user" for _, name, _ in caller.namespaces):
        kernel.give_up_capabilities()
    kernel.act_on_files_as(caller.user, caller.group)
