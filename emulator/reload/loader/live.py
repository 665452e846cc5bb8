"""The runner's side of a change, by its files: both sides walk the same paths and compare values by the same text."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys

_PACKAGE = "_minifal_swap"


def _load():
    # In the source tree and in dist/ the folders have different distances.
    folder = os.path.dirname(os.path.abspath(__file__))
    for _ in range(2):
        folder = os.path.dirname(folder)
        swap = os.path.join(folder, "runner", "inside", "swap")
        if os.path.exists(swap):
            break
    spec = importlib.util.spec_from_file_location(
        _PACKAGE, os.path.join(swap, "__init__.py"), submodule_search_locations=[swap]
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE] = package
    spec.loader.exec_module(package)
    found = importlib.import_module(_PACKAGE + ".apply")
    # What is imported by name, and no library, counts as the developer's.
    for name in [name for name in sys.modules if name.partition(".")[0] == _PACKAGE]:
        del sys.modules[name]
    return found


apply = _load()
VERSION = apply.VERSION
is_sdk = apply.is_sdk
