"""Runs at the start of every Python process that a runner starts: applies the runner's socket rules there, too."""

import importlib.util
import os
import sys


def _apply():
    here = os.path.dirname(os.path.abspath(__file__))
    boot = os.path.join(os.path.dirname(here), "boot.py")
    spec = importlib.util.spec_from_file_location("minifal_runner_boot", boot)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.make_package()
    from minifal_runner.inside import rules

    rules.apply_from_environment()
    _run_the_next(here)


def _run_the_next(here):
    """Runs the environment's own sitecustomize, which this one shadows."""
    from importlib.machinery import PathFinder

    rest = [path for path in sys.path if os.path.abspath(path or os.curdir) != here]
    spec = PathFinder.find_spec("sitecustomize", rest)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


if "MINIFAL_RUNNER" in os.environ:
    _apply()
