"""
What differs between two imports of the same files, such as a random id. It isn't a change of the developer's, as long
as the statements that make the value are the same.
"""

from __future__ import annotations

from .compare import Comparison, Pair
from .slices import Slices


def volatile_of(old: dict, new: dict) -> list[str]:
    """Keys of all that differs; the two are imports of the same files."""
    if old["graph"] is None or new["graph"] is None:
        return []
    comparison = Comparison(old["graph"], new["graph"])
    found = []
    for pair in comparison.pairs:
        found += [key_of(pair, name) for name in pair.facts]
        found += [key_of(pair, it.label) for it in pair.differences]
    return found


def key_of(pair: Pair, label: str) -> str:
    """Names a difference, the same in each comparison."""
    return f"{pair.path!r} {pair.name} {label}"


def ignore(comparison: Comparison, old: dict, new: dict, volatile: set[str]) -> list[str]:
    """Takes such differences out of the comparison; returns their keys."""
    if not volatile:
        return []
    ignored: list[str] = []
    slices = [Slices(it["texts"]) for it in (old, new)]
    spaces = {repr(pair.path): pair.name for pair in comparison.pairs if pair.kind == "namespace"}

    def is_ignored(pair: Pair, label: str) -> bool:
        key = key_of(pair, label)
        if key not in volatile:
            return False
        module, name = _binding(pair, label, spaces)
        before, after = (it.of(module, name) for it in slices)
        if before is None or before != after:
            return False
        ignored.append(key)
        return True

    for pair in comparison.pairs:
        pair.facts = [name for name in pair.facts if not is_ignored(pair, name)]
        pair.differences = [it for it in pair.differences if not is_ignored(pair, it.label)]
    return ignored


def _binding(pair: Pair, label: str, spaces: dict[str, str]) -> tuple[str, str]:
    """Module and name of the module-level value in which the difference is."""
    if pair.kind == "namespace":
        return pair.name, label
    path = pair.path or []
    for at in range(len(path) - 1, -1, -1):
        if path[at][0] == "n":
            return spaces.get(repr(path[:at]), ""), str(path[at][1])
    return pair.new.get("module", ""), pair.name.partition(".")[0]
