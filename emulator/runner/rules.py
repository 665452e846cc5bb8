"""What holds in the runner's process and in every Python process below it; travels in one variable, MINIFAL_RUNNER."""

from __future__ import annotations

import json
import os
import sys

from . import guard, hosts, network, webrtc

VARIABLE = "MINIFAL_RUNNER"

_installed: network.Ports | None = None


def describe(
    ports: dict[int, int],
    app_port: int,
    claimed: str,
    caller: str | None,
    addresses: list[str],
    extra_paths: list[str],
) -> str:
    """
    The variable's value. `caller`: of `network.caller_address`. `addresses`: the emulator's own, which toolkit
    downloads may reach.
    """
    return json.dumps(
        {
            "ports": sorted(ports.items()),
            "appPort": app_port,
            "claimed": claimed,
            "caller": caller,
            "addresses": addresses,
            "extraPaths": extra_paths,
        }
    )


def apply_from_environment() -> network.Ports:
    """Installs the rules once per process and returns the ports in force."""
    global _installed
    if _installed is None:
        config = json.loads(os.environ[VARIABLE])
        # Behind the environment's own packages, as isolate does (runner-process.md §3.1).
        sys.path.extend(path for path in config["extraPaths"] if path not in sys.path)
        _installed = network.Ports(dict(config["ports"]), config["appPort"], config["claimed"], config["caller"])
        network.install(_installed)
        guard.install(config["addresses"])
        hosts.install()
        webrtc.install()
    return _installed
