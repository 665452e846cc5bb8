"""
Known faults: each takes a rule out of the loader. Random edits must show a wrong answer for each, or they would not see
such a fault. Arguments: the name of a fault, seed, number of edits. Prints the first edit that was answered wrongly.
"""

from __future__ import annotations

import os
import sys

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
    "reach": _reach_of_setup,
    "members": _names_of_members,
    "one-to-one": _one_to_one,
    "names": _names_of_functions,
    "caches": _caches,
    "constants": _constants,
    "defaults": _defaults,
    "fields": _fields,
    "closures": _closures,
}


if __name__ == "__main__":
    FAULTS[sys.argv[1]]()
    random_edits.main(int(sys.argv[2]), int(sys.argv[3]), stop_at_first=True)
