"""The options that `fal run` registers: which of them a runner that is up can take."""

from __future__ import annotations

import json

SETTINGS = (
    "machine_requirements.concurrency_buffer",
    "machine_requirements.concurrency_buffer_perc",
    "machine_requirements.keep_alive",
    "machine_requirements.max_concurrency",
    "machine_requirements.max_multiplexing",
    "machine_requirements.min_concurrency",
    "machine_requirements.request_start_timeout",
    "machine_requirements.request_timeout",
    "machine_requirements.scaling_delay_seconds",
    "machine_requirements.startup_timeout",
)
"""Options that the emulator applies to a runner that is up."""


def changed_options(old: dict, new: dict) -> list[str]:
    """Names of fields of the message that differ."""
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def needs_runner(names: list[str]) -> str | None:
    """The first of these fields that only a new runner takes. Fields of later releases aren't known: a new runner."""
    return next((name for name in names if name not in SETTINGS and name != "build_environment"), None)


def is_image(registered: dict) -> bool:
    """Whether the app runs in an image; its files are those of the image's build."""
    environments = json.loads(registered.get("environments", "[]"))
    return bool(environments) and environments[0].get("kind") == "container"


def short(name: str) -> str:
    """The option's name for people."""
    return name.rpartition(".")[2]
