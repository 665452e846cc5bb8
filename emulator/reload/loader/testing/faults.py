"""
Known faults: each takes a rule out of the loader. Random edits must show a wrong answer for each, or they would not see
such a fault. Only edits of the kinds that need the rule are made, because some of them are rare among all edits.
Prints the name of each fault, and then the first edits that were answered wrongly.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
import random_edits  # noqa: E402
from _minifal_loader import compare, delta, describe, reach  # noqa: E402


def _reach_of_setup() -> None:
    """What `setup()` reaches may change."""
    reach.Reach.before_serving = lambda _: ({}, None)


def _names_of_members() -> None:
    """A member isn't reached by its name alone."""

    def init(self, comparison):
        self._pairs, self._members = comparison.pairs, {}

    reach.Reach.__init__ = init


def _one_to_one() -> None:
    """Two functions may be the new version of one."""

    def pair(self, old, new, path):
        found = self._known.get((old, new))
        a, b = self.old[old], self.new[new]
        if found is None and compare._is_same(a, b):
            found = self._known[(old, new)] = compare.Pair(a, b, new, path)
            self.by_new.setdefault(new, found)
            self.pairs.append(found)
        return found

    compare.Comparison._pair = pair


def _names_of_functions() -> None:
    """A function of another name is a new version of the one before."""
    is_same = compare._is_same

    def without_names(a, b):
        return is_same({**a, "name": ""}, {**b, "name": ""}) if a["kind"] == "function" else is_same(a, b)

    compare._is_same = without_names


def _caches() -> None:
    """Caches keep what old code returned."""
    harness.live.apply.Change._clear = lambda *_: None


def _constants() -> None:
    """Constants in code aren't compared."""
    describe.codes._constant_key = lambda _: None


def _defaults() -> None:
    """Defaults of parameters aren't compared."""
    function = describe.Describer._function

    def without_defaults(self, node, value):
        function(self, node, value)
        node["edges"] = [edge for edge in node["edges"] if edge[0] != "__defaults__"]

    describe.Describer._function = without_defaults


def _fields() -> None:
    """Fields of dataclasses aren't sent."""
    delta._Delta._has_other_fields = lambda *_: False


def _closures() -> None:
    """What a function has from outer ones isn't compared."""
    function = describe.Describer._function

    def without_closures(self, node, value):
        function(self, node, value)
        is_project = node["own"] and node["name"] != "initialize_and_serve"
        node["edges"] = [edge for edge in node["edges"] if not (is_project and edge[0].startswith("closure "))]

    describe.Describer._function = without_closures


FAULTS = {
    "reach": (_reach_of_setup, ("setup_uses", "helper_body")),
    "members": (_names_of_members, ("plain_method", "data_method")),
    "one-to-one": (_one_to_one, ("closure", "closure_shared")),
    "names": (_names_of_functions, ("helper_renamed", "alias")),
    "caches": (_caches, ("helper_body", "constant")),
    "constants": (_constants, ("helper_body", "endpoint_body")),
    "defaults": (_defaults, ("helper_default", "static_default")),
    "fields": (_fields, ("data_field",)),
    "closures": (_closures, ("wrapper", "closure")),
}
"""The fault, and the kinds of edits."""


EDITS = 500


def main() -> None:
    folder = tempfile.mkdtemp(prefix="minifal-faults-")
    try:
        random_edits.warm(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for name, (fault, kinds) in FAULTS.items():
        harness.show(fault=name)
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                fault()
                random_edits.main(1, EDITS, stop_at_first=True, kinds=kinds)
                sys.stdout.flush()
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        if os.waitpid(pid, 0)[1] != 0:
            sys.exit(1)


if __name__ == "__main__":
    main()
