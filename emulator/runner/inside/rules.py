"""The rules for the runner's process and for every Python process below it, passed in one variable, MINIFAL_RUNNER."""

from __future__ import annotations

import json
import os
import sys

from ..shared.addresses import Addresses
from . import guard, hosts, network, webrtc

VARIABLE = "MINIFAL_RUNNER"

_network: network.Network | None = None


def describe(own: Addresses, filtered: bool, addresses: list[str], extra_paths: list[str]) -> str:
    """
    The variable's value. `filtered`: whether a system-call filter keeps servers on the runner's `own` addresses, so
    that Python code doesn't have to. `addresses`: the emulator's addresses, from which toolkit downloads are allowed.
    """
    return json.dumps(
        {"own": own.describe(), "filtered": filtered, "addresses": addresses, "extraPaths": extra_paths}
    )


def apply_from_environment() -> network.Network:
    """Applies the rules, once per process."""
    global _network
    if _network is None:
        config = json.loads(os.environ[VARIABLE])
        # After the environment's own packages, as isolate does (docs/platform/runner-process.md#as-isolate-does-it).
        sys.path.extend(path for path in config["extraPaths"] if path not in sys.path)
        _network = network.Network(Addresses.described(config["own"]))
        if not config["filtered"]:
            network.install(_network)
        guard.install(config["addresses"])
        hosts.install()
        webrtc.install()
    return _network
