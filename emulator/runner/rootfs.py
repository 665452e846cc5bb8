"""
/data and /app inside a runner, without a trace on the machine: a mount namespace of its own whose root is a tmpfs
that shows every top-level entry of the real root, except that these two lead to folders of the emulator. And a host
name.
"""

from __future__ import annotations

import os
import socket
import stat
import sys

from . import kernel

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWUSER = 0x10000000
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MS_NOSUID = 0x2
MNT_DETACH = 2


def hidden_by(paths: list[str], targets: list[str]) -> str | None:
    """The first of `paths` that would disappear behind one of `targets` (the emulator itself may live in /app)."""
    for path in paths:
        for form in (os.path.abspath(path), os.path.realpath(path)):
            for target in targets:
                if form == target or form.startswith(target + "/"):
                    return form
    return None


def why_not(probe: str, extra_paths: list[str]) -> str | None:
    """Why runners can't have a root of their own here; None: they can. `probe`: an empty folder."""
    if not kernel.LINUX:
        return "that takes Linux"
    needed = [os.path.dirname(__file__), sys.prefix, sys.base_prefix, probe, *extra_paths]
    hidden = hidden_by(needed, ["/data", "/app"])
    if hidden is not None:
        return f"the emulator itself needs {hidden}"
    return is_possible(probe, probe)


def enter(mount_point: str, binds: dict[str, str], host_name: str) -> None:
    """
    Moves this process (single-threaded) into a namespace where each key of `binds` shows its value's folder, and the
    machine is called `host_name` where the kernel allows that too. `mount_point`: an empty folder. Raises OSError; the
    process may then be in a half-made namespace: try it in a child first (`is_possible`).
    """
    library = kernel.libc()
    if library is None:
        raise OSError("mount namespaces need Linux and ctypes")
    _unshare(library)
    _mount(library, None, "/", MS_REC | MS_PRIVATE)
    _mount(library, "tmpfs", mount_point, MS_NOSUID, "tmpfs", "mode=755")
    for name in os.listdir("/"):
        if "/" + name not in binds:
            _show(library, "/" + name, os.path.join(mount_point, name))
    for target, source in binds.items():
        shown = mount_point + target
        os.mkdir(shown)
        _mount(library, source, shown, MS_BIND | MS_REC)
    os.chdir(mount_point)
    kernel.check(library.syscall(_pivot_root_number(), b".", b"."), "pivot_root")
    kernel.check(library.umount2(b".", MNT_DETACH), "umount the old root")
    os.chdir("/")
    try:
        _take_name(library, host_name)
    except OSError:
        pass  # The machine's own name then; all else works without.


def without_root(env: dict[str, str], data_folder: str) -> dict[str, str]:
    """Where /data can't be shown: caches that are told to live below it find their folder all the same."""
    return {
        name: data_folder + value[len("/data") :] if value == "/data" or value.startswith("/data/") else value
        for name, value in env.items()
    }


def join(pid: int, app_folder: str) -> None:
    """
    Moves this process (single-threaded) into the namespaces of a runner, whose /app shows `app_folder`. Raises OSError.
    """
    library = kernel.libc()
    if library is None:
        raise OSError("mount namespaces need Linux and ctypes")
    expected = os.stat(app_folder)
    namespaces = []
    for name, kind in (("user", CLONE_NEWUSER), ("uts", CLONE_NEWUTS), ("mnt", CLONE_NEWNS)):
        theirs = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY)
        # Entering the user namespace that one is in already is an error, and the others may be the machine's.
        if not os.path.samestat(os.fstat(theirs), os.stat(f"/proc/self/ns/{name}")):
            namespaces.append((theirs, name, kind))
    for theirs, name, kind in namespaces:
        kernel.check(library.setns(theirs, kind), f"enter the runner's {name} namespace")
    # The process id may be another's by now.
    if not os.path.exists("/app") or not os.path.samestat(os.stat("/app"), expected):
        raise OSError("the runner is gone")


def is_possible(mount_point: str, source: str) -> str | None:
    """Tries it in a child that ends at once. None: it works. Else the reason, in the system's words."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            kernel.set_dumpable(True)
            enter(mount_point, {"/data": source, "/app": source}, "probe")
            os.write(writer, b"ok")
        except BaseException as error:
            os.write(writer, str(error).encode()[:500])
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        answer = pipe.read().decode(errors="replace")
    os.waitpid(child, 0)
    return None if answer == "ok" else answer or "the attempt died"


def _unshare(library) -> None:
    uid, gid = os.getuid(), os.getgid()
    if uid == 0 and library.unshare(CLONE_NEWNS) == 0:
        return
    kernel.check(library.unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _take_name(library, name: str) -> None:
    """
    In the new root. The name leads to loopback as in a container: what looks up its own name must not wait for a name
    server.
    """
    kernel.check(library.unshare(CLONE_NEWUTS), "unshare the host name")
    with open("/etc/hosts") as file:
        known = file.read()
    ours = "/.hosts"
    with open(ours, "w") as file:
        file.write(f"{known.rstrip()}\n127.0.0.1\t{name}\n")
    try:
        _mount(library, ours, "/etc/hosts", MS_BIND)
    finally:
        os.unlink(ours)
    socket.sethostname(name)


def _show(library, source: str, target: str) -> None:
    """
    One entry of the real root at its place in the new one; what can't be shown (rare: no right to look) is absent.
    """
    mode = os.lstat(source).st_mode
    if stat.S_ISLNK(mode):
        os.symlink(os.readlink(source), target)
        return
    if stat.S_ISDIR(mode):
        os.mkdir(target)
    elif stat.S_ISREG(mode):
        open(target, "w").close()
    else:
        return
    try:
        _mount(library, source, target, MS_BIND | MS_REC)
    except OSError:
        pass


def _mount(
    library, source: str | None, target: str, flags: int, kind: str | None = None, data: str | None = None
) -> None:
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    result = library.mount(encoded[0], encoded[1], encoded[2], flags, encoded[3])
    kernel.check(result, f"mount on {target}")


def _pivot_root_number() -> int:
    machine = os.uname().machine
    if machine == "x86_64":
        return 155
    if machine in ("aarch64", "riscv64"):
        return 41
    raise OSError(f"pivot_root has no known number on {machine}")
