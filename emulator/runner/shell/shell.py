"""
The program that runs a command in a runner, for `fal runners shell` and `exec`
(docs/platform/control-plane.md#shellrunner): `python shell.py`, started by the emulator. See helper.py.
"""

import os
from importlib.util import module_from_spec, spec_from_file_location


def _make_package() -> None:
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    spec = spec_from_file_location("minifal_runner_boot", os.path.join(folder, "boot.py"))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    module.make_package()


if __name__ == "__main__":
    _make_package()
    from minifal_runner.shell import helper

    helper.carefully(helper.main)
