"""Makes this folder importable as `minifal_runner` without putting it on the module search path of user code."""

import importlib
import importlib.util
import os
import sys

_NAME = "minifal_runner"
_MODULES = ("rules", "host", "supervise")


def package():
    """The package; its modules are imported when first asked for."""
    if _NAME not in sys.modules:
        here = os.path.dirname(os.path.abspath(__file__))
        spec = importlib.util.spec_from_loader(_NAME, None, is_package=True)
        module = importlib.util.module_from_spec(spec)
        module.__path__ = [here]
        module.__getattr__ = lambda name: _submodule(name)
        sys.modules[_NAME] = module
    return sys.modules[_NAME]


def _submodule(name):
    if name not in _MODULES:
        raise AttributeError(name)
    return importlib.import_module(f"{_NAME}.{name}")
