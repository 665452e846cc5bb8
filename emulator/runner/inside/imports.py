"""Changes to third-party modules, made right after they are imported."""

from __future__ import annotations

import contextlib
import sys


def after(is_wanted, change, around=contextlib.nullcontext) -> None:
    """
    Calls `change(module)` for each module whose name `is_wanted`, now or when it is imported: several of one module in
    the order of these calls. Enters `around(name)` while the module's code runs.
    """
    for name, module in list(sys.modules.items()):
        if is_wanted(name) and module is not None:
            change(module)
    finder = next((one for one in sys.meta_path if isinstance(one, _Finder)), None)
    if finder is None:
        finder = _Finder()
        sys.meta_path.insert(0, finder)
    finder.changes.append((is_wanted, change, around))


class _Finder:
    def __init__(self):
        self.changes = []

    def find_spec(self, name, path=None, target=None):
        wanted = [(change, around) for is_wanted, change, around in self.changes if is_wanted(name)]
        if not wanted:
            return None
        spec = _others_find(name, path, target)
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            return spec
        execute = spec.loader.exec_module

        def execute_and_change(module):
            with contextlib.ExitStack() as stack:
                for _, around in wanted:
                    stack.enter_context(around(name))
                execute(module)
            for change, _ in wanted:
                change(module)

        spec.loader.exec_module = execute_and_change
        return spec


def _others_find(name, path, target):
    for finder in sys.meta_path:
        # Finders from before Python 3.4 (six 1.15 has one) don't know specs. Python asks them itself when no other
        # finder has the module.
        find_spec = None if isinstance(finder, _Finder) else getattr(finder, "find_spec", None)
        spec = find_spec and find_spec(name, path, target)
        if spec is not None:
            return spec
    return None
