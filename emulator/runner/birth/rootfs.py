"""
/data and /app inside a runner, without a trace on the machine: a mount namespace of the runner's own, whose root is a
tmpfs that shows every top-level entry of the real root, except that these two lead to folders of the emulator. Also
sets a host name.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import sys

from ..shared import kernel
from ..shared.here import FOLDER
from . import mounts


_NAMESPACES = {
    "user": mounts.CLONE_NEWUSER,
    "uts": mounts.CLONE_NEWUTS,
    "ipc": mounts.CLONE_NEWIPC,
    "mnt": mounts.CLONE_NEWNS,
}
"""The namespaces of a runner. The first one decides who may enter the others."""


def hidden_by(paths: list[str], targets: list[str]) -> str | None:
    """The first of `paths` that one of `targets` would hide (the emulator itself may be in /app)."""
    for path in paths:
        for form in (os.path.abspath(path), os.path.realpath(path)):
            for target in targets:
                if form == target or form.startswith(target + "/"):
                    return form
    return None


def why_not(probe: str, extra_paths: list[str]) -> str | None:
    """Why runners can't have their own root here; None: they can. `probe`: an empty folder."""
    if not kernel.LINUX:
        return "it requires Linux"
    needed = [FOLDER, sys.prefix, sys.base_prefix, probe, *extra_paths]
    hidden = hidden_by(needed, ["/data", "/app"])
    if hidden is not None:
        return f"the emulator itself needs {hidden}"
    return is_possible(probe, probe)


def enter(mount_point: str, binds: dict[str, str]) -> None:
    """
    Moves this process (single-threaded) into a namespace where each key of `binds` shows its value's folder.
    `mount_point`: an empty folder. Raises OSError; the process may then be in an incomplete namespace, so try it in a
    child process first (`is_possible`).
    """
    mounts.own_namespace()
    mounts.mount("tmpfs", mount_point, mounts.MS_NOSUID, "tmpfs", "mode=755")
    for name in os.listdir("/"):
        if "/" + name not in binds:
            _show("/" + name, os.path.join(mount_point, name))
    for target, source in binds.items():
        shown = mount_point + target
        os.mkdir(shown)
        mounts.bind(source, shown)
    mounts.move_root(mount_point)


def fitting(env: dict[str, str], data_folder: str, missing) -> dict[str, str]:
    """
    The variables, adapted to the world of this process. If /data can't be shown (`folders` are missing), caches that
    are configured below it still find their folder. A folder for temporary files that doesn't exist is dropped.
    """
    if "folders" in missing:
        env = {
            name: data_folder + value[len("/data") :] if value == "/data" or value.startswith("/data/") else value
            for name, value in env.items()
        }
    if os.path.isdir(env.get("TMPDIR", "/")):
        return env
    return {name: value for name, value in env.items() if name != "TMPDIR"}


def join(pid: int, app_folder: str) -> None:
    """
    Moves this process (single-threaded) into the namespaces of a runner, whose /app shows `app_folder`. Raises OSError.
    """
    expected = os.stat(app_folder)
    enter_namespaces(foreign_namespaces(pid, tuple(_NAMESPACES)))
    # The process id may belong to another process by now.
    if not os.path.exists("/app") or not os.path.samestat(os.stat("/app"), expected):
        raise OSError("the runner is gone")


def foreign_namespaces(pid: int, names: tuple[str, ...]) -> list[tuple[int, str, int]]:
    """
    The namespaces of a process that differ from this process's, each with an open descriptor, in the order in which
    they can be entered. Raises OSError.
    """
    found = []
    for name in names:
        if not os.path.exists(f"/proc/self/ns/{name}"):
            continue
        theirs = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY)
        # Entering the current user namespace again is an error, and the others may be the machine's.
        if not os.path.samestat(os.fstat(theirs), os.stat(f"/proc/self/ns/{name}")):
            found.append((theirs, name, _NAMESPACES[name]))
    return found


def enter_namespaces(namespaces: list[tuple[int, str, int]]) -> None:
    """Moves this process (single-threaded) into the namespaces that `foreign_namespaces` found. Raises OSError."""
    for theirs, name, kind in namespaces:
        kernel.check(mounts.library().setns(theirs, kind), f"enter the runner's {name} namespace")


def is_possible(mount_point: str, source: str) -> str | None:
    """Tries it in a child process that ends at once. None: it works. Otherwise the reason, in the system's words."""
    found = try_in_child(lambda: enter(mount_point, {"/data": source, "/app": source}))
    return None if isinstance(found, dict) else found


def try_in_child(attempt) -> dict | str:
    """
    The result of `attempt` (a small dict, or None), run in a child process that ends at once; a string says why it
    failed.
    """
    reader, writer = os.pipe()
    ourselves = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            kernel.die_with_parent(signal.SIGKILL, ourselves)
            kernel.set_dumpable(True)
            os.write(writer, json.dumps(attempt() or {}).encode())
        except BaseException as error:
            os.write(writer, json.dumps(str(error)[:500]).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return json.loads(answer) if answer else "the attempt died"


def take_name(name: str, addresses: list[str]) -> None:
    """
    Called in the new root. Sets the host name to `name` if the kernel allows it. The name resolves to loopback, as in a
    container, and the `addresses` resolve to the name: a program that looks itself up must not wait for a name server.
    """
    try:
        _take_name(mounts.library(), name, addresses)
    except OSError:
        pass  # The runner keeps the machine's name; everything else works.


def _take_name(library, name: str, addresses: list[str]) -> None:
    kernel.check(library.unshare(mounts.CLONE_NEWUTS), "unshare the host name")
    with open("/etc/hosts") as file:
        known = file.read()
    ours = "/.hosts"
    with open(ours, "w") as file:
        ours_too = "".join(f"{address}\t{name}\n" for address in ("127.0.0.1", *addresses))
        file.write(f"{known.rstrip()}\n{ours_too}")
    try:
        mounts.mount(ours, "/etc/hosts", mounts.MS_BIND)
    finally:
        os.unlink(ours)
    socket.sethostname(name)


def _show(source: str, target: str) -> None:
    """
    Shows one entry of the real root at its place in the new one; an entry that can't be shown (rare: no permission) is
    absent.
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
        mounts.bind(source, target)
    except OSError:
        pass
