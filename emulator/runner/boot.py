"""Makes this folder importable as `minifal_runner` without putting it on the module search path of user code."""

import importlib.util
import os
import sys

_NAME = "minifal_runner"


def make_package():
    """Creates the package; its modules are then imported like any others."""
    if _NAME not in sys.modules:
        here = os.path.dirname(os.path.abspath(__file__))
        spec = importlib.util.spec_from_loader(_NAME, None, is_package=True)
        module = importlib.util.module_from_spec(spec)
        module.__path__ = [here]
        sys.modules[_NAME] = module
