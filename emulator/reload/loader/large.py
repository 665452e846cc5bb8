"""
Large values. Those without parts of their own are compared as a whole, by a digest of their content: a node for each of
a million numbers would take half a minute at every save. Too many others end the comparison.
"""

from __future__ import annotations

import gc
import marshal
import sys

from . import code as codes

MOST_PARTS = 100_000
"""Edges of a description: about three seconds of work."""
_LARGE = 1000
_MOST = 50_000_000
_SETS = frozenset({set, frozenset})
_CONTAINERS = frozenset({list, dict, tuple}) | _SETS
_IMMUTABLE = frozenset({tuple, frozenset})
_TEXTS = frozenset({str, bytes})
_ALLOWED = _CONTAINERS | _TEXTS | {type(None), bool, int, float, complex, type(Ellipsis)}
_SORTS_SETS = sys.version_info >= (3, 11)
"""Whether marshal writes equal sets alike. It is slow with large ones."""


class TooLarge(Exception):
    """The app has more objects than can be compared at each save. `name`: the module-level name with most of them."""

    def __init__(self, name: str):
        super().__init__(name)
        self.name = name


def name_of_most(nodes: list[dict]) -> str:
    """The module-level name from which most edges of a description are reached."""
    names = [""] * len(nodes)
    counts: dict[str, int] = {}
    # Each node is after one that leads to it.
    for index, node in enumerate(nodes):
        own = names[index] or node["name"]
        for label, _, target in node["edges"]:
            name = label if node["kind"] == "namespace" else own
            counts[name] = counts.get(name, 0) + 1
            if isinstance(target, int) and not names[target]:
                names[target] = name
    return max(counts, key=lambda name: counts[name])


def content_of(value) -> str | None:
    """
    A digest of the value if it is large, and is a tree of built-in containers, numbers and texts: nothing else holds
    one of its inner containers, so that none of them can be changed or exchanged on its own. None: any other value.
    """
    if type(value) not in _CONTAINERS:
        return None
    try:
        if type(value) in _SETS:
            return _content_of_set(value)
        # Version 2 writes each part where it is, and so the same in each import: no references, no interned texts.
        return codes.digest(marshal.dumps(value, 2)) if _is_large_tree(value) else None
    except (ValueError, RecursionError):
        # It is nested too deeply for this.
        return None


def _content_of_set(value) -> str | None:
    kinds = set(map(type, value))
    if len(value) < _LARGE or not kinds <= _ALLOWED - _CONTAINERS:
        return None
    # Numbers of several kinds can be equal, but no two of them are in a set.
    members = sorted(value) if len(kinds) == 1 and kinds <= {int, str, bytes} else sorted(value, key=_name_of)
    return codes.digest(marshal.dumps(members, 2))


def _name_of(value) -> str:
    return f"{type(value).__name__} {value!r}"


def _is_large_tree(value) -> bool:
    count = 0
    sizes: dict[int, int] = {}
    inner = [value]
    while inner:
        level = gc.get_referents(*inner)
        count += len(level)
        kinds = set(map(type, level))
        if not kinds <= _ALLOWED:
            return False
        inner = [it for it in level if type(it) in _CONTAINERS] if kinds & _CONTAINERS else []
        if kinds & _SETS and not all(map(_is_sorted, inner)):
            return False
        counts = list(map(sys.getrefcount, inner))
        if set(counts) - {_ALONE}:
            for it, references in zip(inner, counts):
                size = _size(it, sizes) if references != _ALONE else 0
                if size is None:
                    return False
                count += size
            inner = [it for it, references in zip(inner, counts) if references == _ALONE]
        if count > _MOST:
            return False
    return count >= _LARGE


def _is_sorted(value) -> bool:
    return type(value) not in _SETS or (_SORTS_SETS and len(value) <= _LARGE)


def _size(value, known: dict[int, int]) -> int | None:
    """How many values are in a tuple that several places hold; None: it has something that can change."""
    if type(value) not in _IMMUTABLE or not _is_sorted(value):
        return None
    if id(value) not in known:
        total = len(value)
        for it in value:
            size = _size(it, known) if type(it) in _CONTAINERS else 0 if type(it) in _ALLOWED else None
            if size is None:
                return None
            total += size
        known[id(value)] = total
    return known[id(value)]


def _references_of_an_inner_list() -> int:
    """What Python counts for a container that only its own container holds, with those of the counting itself."""
    outer = [[]]
    level = gc.get_referents(outer)
    inner = [it for it in level if type(it) in _CONTAINERS]
    return list(map(sys.getrefcount, inner))[0]


_ALONE = _references_of_an_inner_list()
