"""Which parts of a world of its own a runner gets: those that its mode asks for and this machine allows."""

from __future__ import annotations

from . import rootfs

MODES = ("off", "disk", "full")


def missing(config: dict) -> dict[str, str]:
    """
    Why a part can't be had, by part; each is tried once, in a child. `config`: the supervisor's. Parts: `folders` (/data
    and /app), `disk`, `addresses`.
    """
    probes = {"folders": lambda: rootfs.why_not(config["probeDir"], config["extraPaths"])}
    why = {part: probe() for part, probe in probes.items()}
    return {part: reason for part, reason in why.items() if reason is not None}


def as_list(missing: dict[str, str]) -> list[dict[str, str]]:
    """As the emulator is sent it."""
    return [{"part": part, "why": why} for part, why in missing.items()]
