"""
Binds a Unix socket on behalf of its caller (notify.py): to a path among the caller's own files, relative to its own
folder, with its user and umask. Only a process in the caller's world can do so, so each bind takes a child process.
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
    """Whether the address is a path, as opposed to an abstract name, which has no owner and no folder."""
    (family,) = struct.unpack_from("=H", raw)
    return family == socket.AF_UNIX and len(raw) > _FAMILY_BYTES and raw[_FAMILY_BYTES] != 0


def start(sock: socket.socket, raw: bytes, thread: int, is_waiting: Callable[[], bool]) -> int:
    """
    Returns a descriptor that yields one byte: 0 or an error number. No byte before its end means that the attempt
    crashed. `is_waiting`: whether `thread` is still the caller whose call was received. Raises OSError.
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
    # Before Linux 5.19 a signal makes the call arrive twice.
    return 0 if result == errno.EINVAL and os.fsencode(sock.getsockname()) == asked else result


class _Caller(NamedTuple):
    namespaces: list[tuple[int, str, int]]
    """The caller's namespaces that differ from ours, in the form that `rootfs.enter_namespaces` takes."""
    root: int
    folder: int
    user: int
    group: int
    umask: int


def _look_at(thread: int) -> _Caller:
    """Raises OSError if the caller can't be inspected."""
    root, folder = (os.open(f"/proc/{thread}/{name}", os.O_PATH | os.O_DIRECTORY) for name in ("root", "cwd"))
    with open(f"/proc/{thread}/status") as file:
        about = dict(line.rstrip("\n").split(":", 1) for line in file)
    # Real, effective, saved and file-system id.
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
