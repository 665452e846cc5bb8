"""From the supervisor's fork to the runner's host program: descriptors, session, ports, namespace, environment."""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
import tempfile

from ..inside import rules
from ..keeper import servers
from ..shared import descriptors, kernel
from ..shared.channel import BlockingChannel
from ..shared.here import FOLDER
from ..supervisor import isolation
from . import door, landlock, layer, mounts, rootfs

_APP = "MINIFAL_APP"


class Become(BaseException):
    """Unwinds the supervisor's loop in a forked runner, so that none of its frames and `finally` blocks remain."""

    def __init__(self, config: dict, sock: socket.socket):
        super().__init__()
        self.config = config
        self.sock = sock


def become(config: dict, sock: socket.socket, outputs: tuple[int, int], keeper: int, hand: socket.socket) -> None:
    """
    Runs in the new main process of a runner. Ends in `Become`, or in the same program started again (`spawn`). `hand`:
    see `servers.hand_over_filter`.
    """
    try:
        _prepare(config, sock, outputs, keeper, hand)
    except Exception as error:
        BlockingChannel(sock).send({"event": "failed", "reason": f"It could not be prepared: {error}"})
        os._exit(1)


def _prepare(config: dict, sock: socket.socket, outputs: tuple[int, int], keeper: int, hand: socket.socket) -> None:
    os.setsid()
    take_streams(outputs)
    descriptors.close_all_but({0, 1, 2, sock.fileno(), hand.fileno()})
    # A process that enters a user namespace of its own has to write its id maps, and may be debugged.
    kernel.set_dumpable(True)
    forget_signals()
    before = mounts.user_namespace()
    app_folder = _enter_world(config)
    # Entering a user namespace clears the signal that is sent at the parent's death, so it is requested only now.
    kernel.die_with_parent(signal.SIGKILL, keeper)
    if config["filtered"]:
        servers.hand_over_filter(hand)
    hand.close()
    if config["world"].kept_away:
        landlock.enter()
    if mounts.user_namespace() != before:
        # The creator of the namespace could unmount what hides other files. Real root can't be kept from that.
        kernel.give_up_capabilities()
    config = {**config, "appFolder": app_folder}
    _set_environment(config)
    if config["door"] is not None:
        door.make(config["door"], keeper)
    # Commands can enter it from now on (`fal runners shell`).
    BlockingChannel(sock).send({"event": "entered"})
    if config["startMethod"] == "spawn":
        _start_new_python(config, sock)
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [path for path in paths if path and not path.startswith(FOLDER)]
    raise Become(config, sock)


def arrive(descriptor: int) -> tuple[dict, BlockingChannel]:
    """In a process that `_start_new_python` started: the configuration arrives over the channel."""
    os.set_inheritable(descriptor, False)
    channel = BlockingChannel(socket.socket(fileno=descriptor))
    config = channel.receive() or {}
    return {**config, "appFolder": os.environ.pop(_APP, None)}, channel


def take_streams(outputs: tuple[int, int]) -> None:
    """Makes the descriptors stdout and stderr; stdin is empty."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in zip((nothing, *outputs), (0, 1, 2)):
        os.dup2(source, target)
        os.close(source)


def forget_signals() -> None:
    """In a forked process: what a supervisor does about signals doesn't count any more."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _enter_world(config: dict) -> str | None:
    """
    Shows /data and /app, and a disk of the runner's own, where that is possible. Returns the path at which the app will
    see its files.
    """
    world: isolation.World = config["world"]
    folder = config["appDir"]
    missing = world.missing
    if "folders" not in missing:
        _enter_root(config, world, {"/data": config["dataDir"], "/app": folder})
        folder = "/app"
    else:
        files = f"The app's files are in {folder} instead of /app. " if config["hasAppFiles"] else ""
        disk = "It has no disk of its own either. " if "disk" in missing else ""
        _print(f"/data and /app can't be shown to this runner ({missing['folders']}). {files}{disk}".rstrip())
    if "disk" in missing and "folders" not in missing:
        _print(f"This runner has no disk of its own ({missing['disk']}); what it writes stays on this machine.")
    if "writes" in missing:
        _print(f"This runner can't write to some folders that it could in the cloud: {missing['writes']}.")
    os.chdir(folder)
    return folder if config["hasAppFiles"] else None


def _enter_root(config: dict, world: isolation.World, binds: dict[str, str]) -> None:
    if world.places is None:
        rootfs.enter(config["mountPoint"], binds)
    else:
        own = world.places._replace(shared=[*world.places.shared, config["exchangeDir"]])
        layer.enter(config["layerDir"], own, binds, world.known)
        _limit_files(config["maxBytes"])
    addresses = [config["own"][version].removeprefix("::ffff:") for version in ("v4", "v6")]
    rootfs.take_name(config["id"], addresses)


def _limit_files(max_bytes: int) -> None:
    """
    Limits the size of one file, so that it can't fill the machine's disk before the emulator checks the layer's size.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if hard == resource.RLIM_INFINITY or hard > max_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, hard))


def _print(sentence: str) -> None:
    os.write(2, f"minifal: {sentence}\n".encode())


def _set_environment(config: dict) -> None:
    os.environ.clear()
    os.environ.update(rootfs.fitting(config["env"], config["dataDir"], config["world"].missing))
    os.environ[rules.VARIABLE] = config["rules"]
    # A library may have looked this up in the supervisor, whose TMPDIR need not exist here.
    tempfile.tempdir = None


def _start_new_python(config: dict, sock: socket.socket) -> None:
    os.set_inheritable(sock.fileno(), True)
    if config["appFolder"] is not None:
        os.environ[_APP] = config["appFolder"]
    program = os.path.join(FOLDER, "supervisor", "supervisor.py")
    os.execv(sys.executable, [sys.executable, program, "--runner", str(sock.fileno())])
