"""Changes a function whose results decorators remember, and prints what the change says that it kept."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402

APP = """
from typing import Any

import fal


def remember(function):
    memory = {}

    def remembering(value):
        if value not in memory:
            memory[value] = function(value)
        return memory[value]

    return remembering


@remember
def used(value):
    return value + 1


@remember
def unused(value):
    return value + 1


class Demo(fal.App):
    machine_type = "XS"

    @fal.endpoint("/")
    def main(self) -> Any:
        return used(1)
"""


def main() -> None:
    folder = tempfile.mkdtemp(prefix="minifal-memories-")
    try:
        base = _load(folder, APP, None)
        changed = _load(folder, APP.replace("value + 1", "value + 2"), json.dumps(base["new"]))
        harness.show(kept=harness.in_child(lambda: _kept(folder, base, changed)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _load(folder: str, text: str, base: str | None) -> dict:
    with open(os.path.join(folder, "app.py"), "w") as file:
        file.write(text)
    return harness.load(folder, base, [])


def _kept(folder: str, base: dict, changed: dict) -> list[str]:
    async def run() -> list[str]:
        runner = harness.Runner(bytes.fromhex(base["pickle"]), folder)
        await runner.start()
        await runner.call("/", None)
        refused = runner.swap(base64.b64decode(changed["delta"]))
        return [refused] if refused else runner.kept

    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return asyncio.run(run())


if __name__ == "__main__":
    main()
