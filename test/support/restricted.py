"""
Runs a program as restricted machines do, by a seccomp filter that its children inherit:

  restricted.py docker CMD...     a container without privileges: no namespaces, no mounts, no look into others
  restricted.py apparmor CMD...   Ubuntu 24.04's restriction: namespaces of users are made, and nothing may be done in
  them
  restricted.py old CMD...        a kernel without Landlock

What Docker's own profile answers is what is answered here: EPERM, and ENOSYS for clone3, so that C libraries try clone.
"""

import ctypes
import errno
import os
import struct
import sys

MACHINE = os.uname().machine
# Per call: its number on x86_64 and on aarch64.
NUMBERS = {
    "unshare": (272, 97),
    "setns": (308, 268),
    "clone": (56, 220),
    "clone3": (435, 435),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "sethostname": (170, 161),
    "fsopen": (430, 430),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "pidfd_getfd": (438, 438),
    "landlock_create_ruleset": (444, 444),
}
NEW_NAMESPACES = 0x7E020000
LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, ERROR = 0x7FFF0000, 0x00050000
NUMBER, ARGUMENT = 0, 16
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2


def step(code, then, otherwise, value):
    return struct.pack("HBBI", code, then, otherwise, value)


def refuse(name, code):
    number = NUMBERS[name][MACHINE == "aarch64"]
    return [step(EQUAL, 0, 1, number), step(RETURN, 0, 0, ERROR | code)]


def refuse_namespaces():
    """clone stays what makes processes."""
    number = NUMBERS["clone"][MACHINE == "aarch64"]
    return [
        step(EQUAL, 0, 4, number),
        step(LOAD, 0, 0, ARGUMENT),
        step(ANY_BIT, 0, 1, NEW_NAMESPACES),
        step(RETURN, 0, 0, ERROR | errno.EPERM),
        step(LOAD, 0, 0, NUMBER),
    ]


def program(kind):
    mounting = ["mount", "umount2", "pivot_root", "sethostname", "fsopen", "open_tree", "move_mount"]
    refused, code = {
        "docker": (["unshare", "setns", "pidfd_getfd", *mounting], errno.EPERM),
        "apparmor": (mounting, errno.EACCES),
        "old": (["landlock_create_ruleset"], errno.ENOSYS),
    }[kind]
    steps = [step(LOAD, 0, 0, NUMBER)]
    if kind == "docker":
        steps += [*refuse_namespaces(), *refuse("clone3", errno.ENOSYS)]
    for name in refused:
        steps += refuse(name, code)
    return [*steps, step(RETURN, 0, 0, ALLOW)]


def main():
    kind, command = sys.argv[1], sys.argv[2:]
    steps = b"".join(program(kind))
    text = ctypes.create_string_buffer(steps, len(steps))
    described = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps) // 8, ctypes.addressof(text)))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, FILTER, described, 0, 0)):
        if libc.prctl(*arguments) != 0:
            sys.exit(f"restricted.py: {os.strerror(ctypes.get_errno())}")
    os.execvp(command[0], command)


main()
