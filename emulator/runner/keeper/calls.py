"""System calls that a filter (seccomp.py) suspends: receives a call, inspects its caller, and answers it."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import struct
from typing import NamedTuple

from ..shared import kernel

_RECEIVE, _SEND, _IS_VALID, _SET_FLAGS = 0xC0502100, 0xC0182101, 0x40082102, 0x40082104
_CONTINUE = 1
_SYNCHRONOUS_WAKE_UP = 1
_PIDFD_OPEN, _PIDFD_GETFD = 434, 438
"""By number: a Python that was built on an older Linux has no function for the first one."""
_PIDFD_THREAD = os.O_EXCL
_MAX_ADDRESS = 128
_SIZE = 80
"""Size of `struct seccomp_notif`."""


class Call(NamedTuple):
    id: int
    thread: int
    number: int
    descriptor: int
    second: int
    """For `bind` and `connect`: where the address is in the caller's memory. For `listen`: the backlog."""
    length: int
    """Length of the address."""


class Gone(Exception):
    """The caller was killed, or a signal interrupted the call: no answer is needed."""


def open_conversation(descriptor: int) -> None:
    try:
        fcntl.ioctl(descriptor, _SET_FLAGS, _SYNCHRONOUS_WAKE_UP)
    except OSError:
        pass  # Before Linux 6.6 this is only slower.


def receive(descriptor: int) -> Call:
    """The next call; only when `poll` says that there is one. Raises `Gone`."""
    received = bytearray(_SIZE)
    try:
        fcntl.ioctl(descriptor, _RECEIVE, received)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EINTR):
            raise Gone from None
        raise
    id, thread, _flags, number, _machine, _at, first, second, third = struct.unpack_from("=QIIiIQQQQ", received)
    return Call(id, thread, number, signed(first), second, signed(third))


def answer(descriptor: int, id: int, result: int | None) -> None:
    """`result`: 0 or an error number; None: the kernel executes the call unchanged."""
    sent = struct.pack("=Qqii", id, 0, -(result or 0), _CONTINUE if result is None else 0)
    try:
        fcntl.ioctl(descriptor, _SEND, sent)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise


def address_of(call: Call) -> bytes:
    """The address that the caller passed. Raises OSError, as the call would, or if the caller can't be inspected."""
    if not 2 <= call.length <= _MAX_ADDRESS:
        raise OSError(errno.EINVAL, "no address has this length")
    buffer = ctypes.create_string_buffer(call.length)
    ours, theirs = _Piece(ctypes.addressof(buffer), call.length), _Piece(call.second, call.length)
    got = kernel.libc().process_vm_readv(call.thread, ctypes.byref(ours), 1, ctypes.byref(theirs), 1, 0)
    if got != call.length:
        raise OSError(ctypes.get_errno() if got < 0 else errno.EFAULT, "process_vm_readv")
    return buffer.raw


def socket_of(descriptor: int, call: Call) -> socket.socket:
    """
    A duplicate of the socket of the call. Raises OSError, as the call would (EBADF, ENOTSOCK), or if the caller can't
    be inspected. Raises `Gone`.
    """
    process = _open_process(call.thread)
    try:
        copy = kernel.libc().syscall(_PIDFD_GETFD, process, call.descriptor, 0)
    finally:
        os.close(process)
    if copy < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    try:
        if not is_waiting(descriptor, call.id):
            raise Gone
        return socket.socket(fileno=copy)
    except (OSError, Gone):
        os.close(copy)
        raise


def is_waiting(descriptor: int, id: int) -> bool:
    """Whether the caller is still waiting. If so, what was read by its process id belonged to it. Raises OSError."""
    try:
        fcntl.ioctl(descriptor, _IS_VALID, struct.pack("=Q", id))
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return False
    return True


def program_of(call: Call) -> str:
    """The name of the caller's program; empty if it can't be read."""
    try:
        return os.path.basename(os.readlink(f"/proc/{call.thread}/exe"))
    except OSError:
        return ""


def signed(register: int) -> int:
    """The C `int` in a register."""
    return ctypes.c_int(register & 0xFFFFFFFF).value


class _Piece(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def _open_process(thread: int) -> int:
    """Opens the thread itself (Linux 6.9), whose descriptors may be its own; otherwise its process."""
    for flags in (_PIDFD_THREAD, 0):
        opened = kernel.libc().syscall(_PIDFD_OPEN, thread, flags)
        if opened >= 0:
            return opened
    with open(f"/proc/{thread}/status") as file:
        group = next(int(line.split()[1]) for line in file if line.startswith("Tgid:"))
    opened = kernel.libc().syscall(_PIDFD_OPEN, group, 0)
    if opened < 0:
        raise OSError(ctypes.get_errno(), "pidfd_open")
    return opened
