"""
The loader of `minifal run --watch`: started with the Python that has the developer's fal, commands on descriptor 3,
events on descriptor 4 (see loader.py). Nothing of it may be importable by the app by accident, so its folder isn't on
sys.path and its package has a private name.
"""

import importlib.util
import os
import sys

PACKAGE = "_minifal_loader"


def package():
    """Imports the loader's package under its private name."""
    folder = os.path.dirname(os.path.abspath(__file__))
    spec = importlib.util.spec_from_file_location(
        PACKAGE, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)
    return importlib.import_module(PACKAGE + ".loader")


if __name__ == "__main__":
    # As for the installed command `fal`, whose folder is first.
    sys.path[0] = os.path.dirname(sys.executable)
    sys.exit(package().main(3, 4))
