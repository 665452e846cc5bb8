"""What holds in the runner's process and in every Python process below it; travels in one variable, MINIFAL_RUNNER."""

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
    The variable's value. `filtered`: whether system calls keep servers on the runner's `own` addresses, so that nothing
    of Python needs to. `addresses`: the emulator's, which toolkit downloads may reach.
    """
    return json.dumps(
        {"own": own.describe(), "filtered": filtered, "addresses": addresses, "extraPaths": extra_paths}
    )


def apply_from_environment() -> network.Network:
    """Installs the rules once per process."""
    global _network
    if _network is None:
        config = json.loads(os.environ[VARIABLE])
        # Behind the environment's own packages, as isolate does (docs/platform/runner-process.md#as-isolate-does-it).
        sys.path.extend(path for path in config["extraPaths"] if path not in sys.path)
        _network = network.Network(Addresses.described(config["own"]))
        if not config["filtered"]:
            network.install(_network)
        guard.install(config["addresses"])
        hosts.install()
        webrtc.install()
    return _network
