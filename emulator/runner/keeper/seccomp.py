"""
A system-call filter: each `bind`, `connect` and `listen` of this process and its descendants, in any language, waits
for the answer of the process that holds the filter's descriptor (notify.py). Requires Linux 5.6, but no privilege.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import NamedTuple

from ..shared import kernel


class _Machine(NamedTuple):
    architecture: int
    seccomp: int
    bind: int
    connect: int
    listen: int
    foreign: tuple[int, ...]
    """
    Calls by which 32-bit programs could listen past the filter (socketcall, bind, listen). To these programs they
    appear not to exist.
    """


_MACHINES = {
    "x86_64": _Machine(0xC000003E, 317, 49, 42, 50, (102, 361, 363)),
    "aarch64": _Machine(0xC00000B7, 277, 200, 203, 201, (282, 284)),
    "riscv64": _Machine(0xC00000F3, 277, 200, 203, 201, (200, 201)),
}
MACHINE = _MACHINES.get(os.uname().machine)

IO_URING_SETUP = 425
X32 = 0x40000000
ADDRESS_OF_INET, ADDRESS_OF_UNIX = 16, 110
"""Bytes of `struct sockaddr_in` and `struct sockaddr_un`."""

_ALLOW, _NOTIFY, _ERRNO = 0x7FFF0000, 0x7FC00000, 0x00050000
_SET_MODE_FILTER, _SPEC_ALLOW, _NEW_LISTENER, _WAIT_KILLABLE = 1, 4, 8, 32
_PR_SET_NO_NEW_PRIVS = 38


def install() -> int:
    """For a process with one thread. Returns the descriptor, which no program inherits. Raises OSError."""
    library = kernel.libc()
    if library is None or MACHINE is None:
        raise OSError("a filter of system calls requires ctypes, and Linux on a supported machine")
    library.syscall.restype = ctypes.c_long
    code = _program(MACHINE)
    program = _Program(len(code) // 8, code)
    # Without the last flag (Linux 5.19) a signal makes a call arrive twice.
    for flags in (_NEW_LISTENER | _SPEC_ALLOW | _WAIT_KILLABLE, _NEW_LISTENER | _SPEC_ALLOW):
        descriptor = _try(library, flags, program)
        if descriptor < 0 and ctypes.get_errno() == errno.EACCES:
            # The process has no privileges in its user namespace. Then programs must not be able to gain any (sudo).
            library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            descriptor = _try(library, flags, program)
        if descriptor >= 0:
            return descriptor
        if ctypes.get_errno() != errno.EINVAL:
            break
    code = ctypes.get_errno()
    raise OSError(code, f"seccomp: {os.strerror(code)}")


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def _try(library, flags: int, program: _Program) -> int:
    return library.syscall(MACHINE.seccomp, _SET_MODE_FILTER, flags, ctypes.byref(program))


def _program(machine: _Machine) -> bytes:
    load, equal, at_least, give = 0x20, 0x15, 0x35, 0x06
    number, architecture, length = 0, 4, 32
    """Offsets in `struct seccomp_data`; the length is the third argument."""
    return _assembled([
        (load, 0, 0, architecture),
        (equal, 0, "foreign", machine.architecture),
        (load, 0, 0, number),
        (at_least, "absent", 0, X32),
        (equal, "notify", 0, machine.listen),
        (equal, "bind", 0, machine.bind),
        (equal, "connect", 0, machine.connect),
        # io_uring can do all of this without a system call.
        (equal, "absent", 0, IO_URING_SETUP),
        (give, 0, 0, _ALLOW),
        "connect",
        (load, 0, 0, length),
        (equal, "allow", 0, ADDRESS_OF_UNIX),
        "bind",
        (load, 0, 0, length),
        (at_least, "notify", "allow", ADDRESS_OF_INET),
        "foreign",
        (load, 0, 0, number),
        *((equal, "absent", 0, one) for one in (*machine.foreign, IO_URING_SETUP)),
        "allow",
        (give, 0, 0, _ALLOW),
        "notify",
        (give, 0, 0, _NOTIFY),
        "absent",
        (give, 0, 0, _ERRNO | errno.ENOSYS),
    ])  # fmt: skip


def _assembled(lines: list) -> bytes:
    """Instructions (operation, jump if true, jump if false, operand) with labels between them."""
    places: dict[str, int] = {}
    instructions: list[tuple] = []
    for line in lines:
        if isinstance(line, str):
            places[line] = len(instructions)
        else:
            instructions.append(line)
    code = b""
    for at, (operation, *jumps, operand) in enumerate(instructions):
        distances = [places[jump] - at - 1 if isinstance(jump, str) else jump for jump in jumps]
        code += struct.pack("HBBI", operation, *distances, operand)
    return code
