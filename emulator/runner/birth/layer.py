"""
A disk of a runner's own. The runner sees the machine's files as they are, except those that no container has (homes,
temporary files, the emulator's data). All its writes go to a folder that is deleted when it ends, and nowhere else. For
a runner with real root this is tidiness, not a boundary.

The folder of a runner's layer:

  memory      half of the machine's memory at most: the new root, and the upper sides of overlays where hardly anything
              is written; folders that a runner makes at the top are in it, too
  up.NAME     upper sides of the other overlays, with work.NAME for the kernel's own use
  tmp, var-tmp, home
              private folders
"""

from __future__ import annotations

import os
import stat

from ..shared import kernel
from . import mounts, parts
from .places import HUGGING_FACE, Places, is_at_or_below


READ_ONLY = "read-only"
IN_PARTS = "parts"
_ON_DISK = ("/usr", "/var", "/opt")
"""Where programs install and keep files. An upper side in memory is created in a tenth of the time."""
_OF_RUN = ("systemd/resolve", "resolvconf", "NetworkManager", "nscd", "nvidia-persistenced", "opengl-driver")
"""The parts of /run that name resolution and graphics drivers need."""
_THE_USERS = tuple(
    f"/{top}/{name}"
    for top in ("usr", "var")
    for name in ("lib", "log", "cache", "local", "local/bin", "local/lib", "local/share")
)
"""Folders that an ordinary user may write to, as the root of a container may."""


def enter(folder: str, places: Places, binds: dict[str, str], known: dict[str, str]) -> dict[str, str]:
    """
    Moves this process (single-threaded) into a world with a disk of its own, with `binds` (path in it -> folder) on
    top. `folder`: doesn't exist yet, on a disk. `known`: the result of an earlier call, so that nothing that failed is
    tried again. Returns, by path, how each of the machine's folders is shown: `disk`, `memory`, `parts` or `read-only`.
    Raises OSError; the process may then be in an incomplete world.
    """
    folder = os.path.realpath(folder)
    is_user = mounts.own_namespace()
    mounts.own_ipc()
    kernel.leave_keyring()
    before = os.umask(0o022)
    try:
        world = _World(folder, places, known, is_user)
        for name in os.listdir("/"):
            if "/" + name not in binds:
                world.show_top("/" + name)
        world.hide()
        world.show_needed()
        for target, source in binds.items():
            # The user's home may be there, too.
            os.makedirs(world.root + target, exist_ok=True)
            mounts.bind(source, world.root + target)
        world.mount_hugging_face()
        mounts.move_root(world.root)
        return world.how
    finally:
        os.umask(before)


class _World:
    def __init__(self, folder: str, places: Places, known: dict[str, str], is_user: bool):
        self.root = folder + "/memory/root"
        self.how: dict[str, str] = {}
        self._folder = folder
        self._places = places
        self._known = known
        self._is_user = is_user
        self._memory = folder + "/memory"
        os.mkdir(folder)
        os.mkdir(self._memory)
        mounts.mount("tmpfs", self._memory, mounts.MS_NOSUID, "tmpfs", "mode=755,size=50%")
        for name in ("root", "plain"):
            os.mkdir(f"{self._memory}/{name}")
        # A new root has to be a mount point.
        mounts.bind(self.root, self.root)

    def show_top(self, source: str) -> None:
        target = self.root + source
        mode = os.lstat(source).st_mode
        if stat.S_ISLNK(mode):
            os.symlink(os.readlink(source), target)
        elif stat.S_ISDIR(mode):
            os.mkdir(target)
            if source == "/run":
                self._show_run(target)
            elif source == "/sys":
                mounts.bind_read_only(source, target)
            elif source in ("/proc", "/dev"):
                mounts.bind(source, target)
            elif source not in self._places.hidden:
                self._copy(source, target, "top." + source[1:])
        if source == "/dev":
            self._own_memory(target)
            self._own_terminals(target)

    def hide(self) -> None:
        """Hides what is not yet absent, and mounts the folders that every runner has of its own."""
        places = self._places
        private = (("tmp", "/tmp", 0o1777), ("var-tmp", "/var/tmp", 0o1777), ("home", places.home, 0o700))
        for name, path, mode in private:
            target = self._inside(path)
            if path != "/" and target is not None:
                os.mkdir(f"{self._folder}/{name}")
                os.chmod(f"{self._folder}/{name}", mode)
                os.makedirs(target, exist_ok=True)
                mounts.bind(f"{self._folder}/{name}", target)
        self._link_home()
        done = [path for _, path, _ in private]
        # A hidden top-level folder is already absent. Shown parts of ours need a mount point.
        nested = [path for path in places.hidden if path.count("/") > 1 and path not in done]
        for number, path in enumerate(dict.fromkeys([*nested, places.data_folder])):
            target = self._inside(path)
            if target is not None and (path == places.data_folder or os.path.isdir(target)):
                os.makedirs(target, exist_ok=True)
                os.mkdir(f"{self._memory}/plain/{number}")
                mounts.bind(f"{self._memory}/plain/{number}", target)

    def _link_home(self) -> None:
        """The target of a link that led to the home from a place that is absent now (`/home`)."""
        link = self._places.home_link
        folder = None if link is None else self._inside(os.path.dirname(link))
        if link is not None and folder is not None and not os.path.lexists(self.root + link):
            os.makedirs(folder, exist_ok=True)
            os.symlink(self._places.home, self.root + link)

    def show_needed(self) -> None:
        """Shows the parts of hidden places that are needed."""
        places = self._places
        done: list[str] = []
        for path in places.copied:
            self._make_visible(path, lambda source, target: self._copy(source, target, "environment"))
            done.append(path)
        for path in places.shown:
            if places.hides(path) and not any(is_at_or_below(path, one) for one in done):
                self._make_visible(path, mounts.bind_read_only)
                done.append(path)
        for path in places.shared:
            self._make_visible(path, mounts.bind)

    def mount_hugging_face(self) -> None:
        """Mounted on top of /data."""
        cache = self._places.hugging_face
        target = self._inside(HUGGING_FACE)
        if cache is not None and target is not None and os.path.isdir(cache["path"]):
            os.makedirs(target, exist_ok=True)
            source = os.path.realpath(cache["path"])
            if cache["writable"]:
                mounts.bind(source, target)
            else:
                self._copy(source, target, "hugging-face")

    def _make_visible(self, path: str, show) -> None:
        """Shows a file or a folder at its own path."""
        target = self._inside(path)
        # What is reached through a link is mounted at its real path.
        if target is None or not os.path.exists(path):
            return
        if os.path.isdir(path):
            os.makedirs(target, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            open(target, "a").close()
        show(path, target)

    def _inside(self, path: str) -> str | None:
        """
        The place of `path` in the new root; None if a link on the way leads out of it: from here, that would lead to
        the machine's own files.
        """
        target = self.root + path
        return target if os.path.realpath(target) == target else None

    def _copy(self, source: str, target: str, name: str) -> None:
        """
        Shows the folder writable, if possible, with writes on the disk or in memory; otherwise read-only. Never uses a
        writable bind, which would write to the machine's own files. `name`: of its folder in `up` and `work`.
        """
        # In /usr nearly everything belongs to root, and an ordinary user can't write to it anyway.
        on_disk = not name.startswith("top.") or source in _ON_DISK and not (self._is_user and source == "/usr")
        kinds = ("disk", "memory") if on_disk else ("memory", "disk")
        for kind in kinds:
            if self._known.get(source, kind) == kind:
                try:
                    self._overlay(source, target, name, kind)
                    self.how[source] = kind
                    return
                except OSError:
                    continue
        if self._is_user and self._known.get(source) != READ_ONLY:
            try:
                self._copy_parts(source, target, name, kinds[0])
                self.how[source] = IN_PARTS
                return
            except OSError:
                pass  # The read-only view hides what was made so far.
        mounts.bind_read_only(source, target)
        self.how[source] = READ_ONLY

    def _copy_parts(self, source: str, target: str, name: str, kind: str) -> None:
        # Something may have been mounted since the supervisor was started.
        has_overlays = False
        for number, (path, how) in enumerate(parts.of(source, mounts.points(), self._places.hides)):
            shown = target + path[len(source) :]
            if how == parts.LINK:
                os.symlink(os.readlink(path), shown)
                continue
            if how == parts.FILE:
                open(shown, "w").close()
            else:
                os.mkdir(shown)
            if how == parts.FOLDER:
                continue
            if how == parts.OVERLAY:
                try:
                    self._overlay_alone(path, shown, f"{name}.{number}", kind)
                    has_overlays = True
                    continue
                except OSError:
                    if not has_overlays:
                        raise
            self._show_read_only(path, shown)

    def _show_read_only(self, path: str, shown: str) -> None:
        try:
            mounts.bind_read_only(path, shown)
        except OSError:
            pass  # It is gone meanwhile, or can't be shown without being writable.

    def _overlay_alone(self, source: str, target: str, name: str, kind: str) -> None:
        base = self._folder if kind == "disk" else self._memory
        upper, work = f"{base}/up.{name}", f"{base}/work.{name}"
        for made in (upper, work):
            os.mkdir(made)
        self._own(upper, source)
        mounts.overlay(source, upper, work, target, self._is_user)

    def _overlay(self, source: str, target: str, name: str, kind: str) -> None:
        self._overlay_alone(source, target, name, kind)
        for inner in mounts.below(source, self._places.mount_points):
            if not self._places.hides(inner) and os.path.exists(self.root + inner):
                self._show_read_only(inner, self.root + inner)

    def _own(self, upper: str, source: str) -> None:
        """The owner and mode of the upper side are those that programs see."""
        known = os.stat(source)
        if not self._is_user:
            os.chown(upper, known.st_uid, known.st_gid)
            os.chmod(upper, stat.S_IMODE(known.st_mode))
            return
        os.chmod(upper, stat.S_IMODE(known.st_mode) | 0o700)
        for path in _THE_USERS:
            if path.startswith(source + "/") and os.path.isdir(path):
                os.mkdir(upper + path[len(source) :])

    def _show_run(self, target: str) -> None:
        resolver = os.path.dirname(os.path.realpath("/etc/resolv.conf"))
        needed = {"/run/" + name for name in _OF_RUN} | ({resolver} if resolver.startswith("/run/") else set())
        for path in sorted(needed):
            if os.path.isdir(path) and not os.path.islink(path):
                os.makedirs(self.root + path)
                mounts.bind_read_only(path, self.root + path)
        for name, mode in (("lock", 0o1777), ("user", 0o755)):
            os.mkdir(f"{target}/{name}")
            os.chmod(f"{target}/{name}", mode)
        if os.path.islink("/run/shm"):
            os.symlink("/dev/shm", f"{target}/shm")

    def _own_memory(self, target: str) -> None:
        """Shared memory of its own: what a killed runner leaves would otherwise stay in the machine's."""
        if os.path.isdir(f"{target}/shm") and not os.path.islink(f"{target}/shm"):
            mounts.mount("tmpfs", f"{target}/shm", mounts.MS_NOSUID | mounts.MS_NODEV, "tmpfs", "mode=1777")

    def _own_terminals(self, target: str) -> None:
        """Terminals of its own: in the machine's, a program could read what the developer types."""
        if os.path.isdir(f"{target}/pts"):
            mounts.mount("devpts", f"{target}/pts", mounts.MS_NOSUID, "devpts", "mode=620,ptmxmode=666")
            if os.path.exists(f"{target}/ptmx") and not os.path.islink(f"{target}/ptmx"):
                mounts.bind(f"{target}/pts/ptmx", f"{target}/ptmx")
