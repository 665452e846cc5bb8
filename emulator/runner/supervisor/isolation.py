"""Which parts of an isolated world a runner gets: those that its mode asks for and this machine allows."""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import NamedTuple

from ..birth import landlock, layer, places, rootfs
from ..keeper import servers


class World(NamedTuple):
    """What every runner of this supervisor gets."""

    missing: dict[str, str]
    """
    The parts that are unavailable, each with the reason: `folders` (/data and /app), `disk`, `writes` (to some
    folders), `addresses`, `programs` (the machine's other programs are within reach).
    """
    places: places.Places | None
    """None: runners use the machine's disk."""
    known: dict[str, str]
    """The result of `layer.enter`."""
    placed: bool = False
    """Whether a system-call filter keeps the runner's servers on addresses of its own."""
    kept_away: bool = False
    """Whether the runner is isolated from the machine's other programs."""

    def missing_list(self) -> list[dict[str, str]]:
        """The missing parts, in the form that is sent to the emulator."""
        return [{"part": part, "why": why} for part, why in self.missing.items()]


def find(config: dict) -> World:
    """Tries each part once, in a child process. `config`: the supervisor's configuration."""
    world = _find_disk(config)
    if config["isolation"] != "full":
        return world
    tried = {"addresses": servers.why_not_placed(), "programs": landlock.why_not()}
    missing = {**world.missing, **{part: why for part, why in tried.items() if why is not None}}
    return world._replace(missing=missing, placed="addresses" not in missing, kept_away="programs" not in missing)


def _find_disk(config: dict) -> World:
    why = rootfs.why_not(config["probeDir"], config["extraPaths"])
    missing = {} if why is None else {"folders": why}
    if config["isolation"] == "off":
        return World(missing, None, {})
    if why is not None:
        return World({**missing, "disk": why}, None, {})
    seen = places.find(config["disk"], config["extraPaths"])
    found = _try_layer(config, seen)
    if isinstance(found, str):
        return World({**missing, "disk": found}, None, {})
    read_only = sorted(path for path, how in found.items() if how == layer.READ_ONLY)
    if read_only:
        missing["writes"] = ", ".join(read_only)
    return World(missing, seen, found)


def _try_layer(config: dict, seen: places.Places) -> dict[str, str] | str:
    """The result of `layer.enter`, or the reason why it fails."""
    try:
        folder = tempfile.mkdtemp(dir=config["probeDir"])
    except OSError as error:
        return str(error)
    try:
        app = os.path.join(folder, "app")
        tried = os.path.join(folder, "layer")
        os.mkdir(app)
        os.makedirs(config["disk"]["compiled"], mode=0o700, exist_ok=True)
        return rootfs.try_in_child(lambda: layer.enter(tried, seen, {"/data": app, "/app": app}, {}))
    except OSError as error:
        return str(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
