"""Pairs the nodes of two descriptions, and notes what differs. A pure function of the two."""

from __future__ import annotations

from dataclasses import dataclass, field

VALUES = frozenset({"list", "tuple", "dict", "set", "frozenset", "instance", "generic", "cell", "member", "method"})
"""Kinds that aren't changed in place: who holds them gets a new one."""
_SHARED = frozenset({"tuple", "frozenset", "generic", "method", "cell", "member"})
"""Kinds whose identity nobody can rely on."""


@dataclass(eq=False)
class Difference:
    """An edge that leads to something else. `pair` has it."""

    label: str
    step: list | None
    what: str
    old: object
    new: object
    """The end of the edge in the old and in the new description; None: no such edge."""


@dataclass(eq=False)
class Pair:
    """A node of the old description and its successor."""

    old: dict
    new: dict
    new_index: int
    path: list | None
    """Steps from the root; None: no way that a runner could walk."""
    facts: list[str] = field(default_factory=list)
    """Names of facts that differ."""
    differences: list[Difference] = field(default_factory=list)
    edges: list[tuple[str, list | None, Pair]] = field(default_factory=list)
    moved: bool = False
    """Only its lines, or its docstring, are others."""

    @property
    def kind(self) -> str:
        return self.new["kind"]

    @property
    def name(self) -> str:
        return self.new["name"]

    @property
    def has_other_doc(self) -> bool:
        return self.old.get("doc") != self.new.get("doc")


class Comparison:
    """`pairs` in the order of their distance from the root."""

    def __init__(self, old: list[dict], new: list[dict]):
        self.old, self.new = old, new
        self.pairs: list[Pair] = []
        self.by_new: dict[int, Pair] = {}
        self._by_old: dict[int, int] = {}
        self._known: dict[tuple[int, int], Pair] = {}
        self.holders: dict[int, list[tuple[Pair, str, list | None]]] = {}
        """By number of a new node: the pairs that hold it."""
        self._pair(0, 0, [])
        at = 0
        while at < len(self.pairs):
            self._compare(self.pairs[at])
            at += 1

    def _pair(self, old: int, new: int, path: list | None) -> Pair | None:
        """The pair of the two nodes, if they are versions of the same object."""
        known = self._known.get((old, new))
        if known is not None:
            return known
        a, b = self.old[old], self.new[new]
        if not _is_same(a, b):
            return None
        if a["kind"] not in _SHARED:
            if self._by_old.get(old, new) != new or new in self.by_new:
                return None
            self._by_old[old] = new
        pair = Pair(a, b, new, path)
        self._known[(old, new)] = pair
        self.by_new.setdefault(new, pair)
        self.pairs.append(pair)
        return pair

    def _compare(self, pair: Pair) -> None:
        a, b = pair.old, pair.new
        facts = a["facts"].keys() | b["facts"].keys()
        pair.facts = sorted(name for name in facts if a["facts"].get(name) != b["facts"].get(name))
        pair.moved = a.get("lines") != b.get("lines") or pair.has_other_doc
        before = {label: target for label, _, target in a["edges"]}
        after = set()
        for label, step, target in b["edges"]:
            after.add(label)
            path = None if step is None or pair.path is None else [*pair.path, step]
            old = before.get(label)
            if old is None:
                pair.differences.append(Difference(label, step, "added", None, target))
            elif isinstance(old, str) or isinstance(target, str):
                if old != target:
                    pair.differences.append(Difference(label, step, _words(old, target), old, target))
            else:
                found = self._pair(old, target, path)
                if found is None:
                    text = f"{self.old[old]['name']} -> {self.new[target]['name']}"
                    pair.differences.append(Difference(label, step, text, old, target))
                else:
                    pair.edges.append((label, step, found))
            if not isinstance(target, str):
                self.holders.setdefault(target, []).append((pair, label, step))
        for label, step, target in a["edges"]:
            if label not in after:
                pair.differences.append(Difference(label, step, "removed", target, None))


def _is_same(a: dict, b: dict) -> bool:
    if a["kind"] != b["kind"] or a.get("module") != b.get("module"):
        return False
    if a["kind"] == "function":
        # Code can only replace code with the same cells.
        return a["name"] == b["name"] and a["free"] == b["free"] and a["own"] == b["own"]
    if a["kind"] in ("class", "instance", "module", "member"):
        return a["name"] == b["name"]
    return True


def _words(old, new) -> str:
    if isinstance(old, str) and isinstance(new, str) and old[0] == new[0] == "=":
        return f"value {old[1:].partition(' ')[2][:40]} -> {new[1:].partition(' ')[2][:40]}"
    return "another value"
