"""The rules for the runner's process and for every Python process below it, passed in one variable, MINIFAL_RUNNER."""

from __future__ import annotations

import json
import os
import sys

from ..shared.addresses import Addresses
from . import guard, hosts, network, webrtc

VARIABLE = "MINIFAL_RUNNER"

_network: network.Network | None = None


def describe(
    own: Addresses, filtered: bool, addresses: list[str], extra_paths: list[str], first_paths: list[str] | None = None
) -> str:
    """
    The variable's value. `filtered`: whether servers stay on the runner's `own` addresses without any help of Python
    code. `addresses`: the emulator's addresses, from which toolkit downloads are allowed. `first_paths`: packages that
    count before the environment's own.
    """
    paths = {"extraPaths": extra_paths, "firstPaths": first_paths or []}
    return json.dumps({"own": own.describe(), "filtered": filtered, "addresses": addresses, **paths})


def apply_from_environment() -> network.Network:
    """Applies the rules, once per process."""
    global _network
    if _network is None:
        config = json.loads(os.environ[VARIABLE])
        at = _packages_at()
        sys.path[at:at] = [path for path in config["firstPaths"] if path not in sys.path]
        # After the environment's own packages, as isolate does (docs/platform/runner-process.md#as-isolate-does-it).
        sys.path.extend(path for path in config["extraPaths"] if path not in sys.path)
        _network = network.Network(Addresses.described(config["own"]))
        if not config["filtered"]:
            network.install(_network)
        elif _network.own.alone:
            network.report_listening(_network)
        guard.install(config["addresses"])
        hosts.install()
        webrtc.install()
    return _network


def _packages_at() -> int:
    """Where packages begin on the module search path: after the standard library, which none of them may replace."""
    for at, path in enumerate(sys.path):
        if os.path.basename(path) in ("site-packages", "dist-packages"):
            return at
    return len(sys.path)
