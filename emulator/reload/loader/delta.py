"""
The operations that turn a running version into a new one, pickled. What lives in the runner is referred to by its path;
only what is new travels.
"""

from __future__ import annotations

import io
import types
from collections.abc import MutableMapping

import cloudpickle
from cloudpickle import cloudpickle as internals

from . import live
from .compare import VALUES, Comparison, Pair
from .describe import Describer
from .names import PRIMITIVES, is_found_by_name
from .judge import Judgement
from .reach import Reach

_DESCRIPTORS = frozenset({"property", "cached_property", "staticmethod", "classmethod", "cache"})
_BY_VALUE = VALUES | _DESCRIPTORS
_NAMED = ("function", "class")
"""Kinds whose live object is known by its name: a request may have put another one in its place."""
_DATACLASS = ("__dataclass_fields__", "__match_args__", "__dataclass_params__", "__annotations__")
_OF_FUNCTION = ("__defaults__", "__kwdefaults__", "__annotations__")


class Unaddressable(Exception):
    """A change that no operation can make; the text says what."""


def make(judgement: Judgement, describer: Describer) -> tuple[bytes, dict[str, int]]:
    """The pickled operations, and how many there are of each kind. Raises Unaddressable."""
    return _Delta(judgement, describer).make()


class _Delta:
    def __init__(self, judgement: Judgement, describer: Describer):
        self._judgement = judgement
        self._comparison: Comparison = judgement.comparison
        self._objects = describer.objects
        self._operations: list[tuple] = []
        self._dirty = self._find_dirty()

    def make(self) -> tuple[bytes, dict[str, int]]:
        touched = Reach(self._comparison).affected()
        functions, caches, instances, memories = [], [], [], []
        for pair in self._comparison.pairs:
            path = _path(pair)
            if pair.kind == "class" and path is not None and id(pair) in self._dirty:
                instances.append((pair.new["replaceable"], path))
            if id(pair) in self._dirty or path is None:
                continue
            self._operate(pair, path)
            for it in pair.differences:
                if it.step is not None and isinstance(it.old, int):
                    functions += self._old_functions(it.old, (*path, tuple(it.step)))
            has_layout = self._has_other_fields(pair) or any(it.label == ".__hash__" for it in pair.differences)
            if pair.kind == "class" and has_layout and not pair.new["app"]:
                instances.append(("dataclass", path))
            if id(pair) in touched:
                if pair.kind == "function":
                    memories += [(path, *found) for found in _memories(self._objects[pair.new_index])]
                if pair.kind == "function" and pair.new.get("own"):
                    functions.append(path)
                elif pair.kind == "cache":
                    caches.append(("cache", path))
                elif pair.kind == "cached_property":
                    caches.append(("cached_property", path))
        used = {path for kind, path, *_ in self._operations if kind != "lines"}
        used |= {*functions, *(path for _, path in instances)}
        named = {_path(pair): pair.old["name"] for pair in self._comparison.pairs if pair.kind in _NAMED}
        content = {
            "version": live.VERSION,
            "names": [(path, named[path]) for path in used if path in named],
            "operations": self._operations,
            "functions": list(dict.fromkeys(functions)),
            "caches": caches,
            "instances": instances,
            "memories": memories,
            "kept": self._judgement.kept,
        }
        counts: dict[str, int] = {}
        for operation in self._operations:
            counts[operation[0]] = counts.get(operation[0], 0) + 1
        return self._pickle(content), counts

    def _old_functions(self, index: int, path: tuple, depth: int = 4) -> list[tuple]:
        """Paths of functions at a place that gets another object: while they run, they call what changes."""
        node = self._comparison.old[index]
        if depth == 0 or (node["kind"] != "function" and node["kind"] not in _DESCRIPTORS):
            return []
        found = [path] if node.get("own") else []
        for label, step, target in node["edges"]:
            if step is not None and isinstance(target, int) and label != "globals":
                found += self._old_functions(target, (*path, tuple(step)), depth - 1)
        return found

    # Objects that travel whole

    def _find_dirty(self) -> set[int]:
        """Identities of pairs whose new object replaces the old one."""
        dirty: set[int] = set()
        todo = [pair for pair in self._comparison.pairs if self._is_replaced(pair)]
        while todo:
            pair = todo.pop()
            if id(pair) in dirty:
                continue
            dirty.add(id(pair))
            for holder, label, step in self._comparison.holders.get(pair.new_index, ()):
                if holder.kind in _BY_VALUE:
                    todo.append(holder)
                elif holder.kind == "class" and not label.startswith("."):
                    if holder.new["replaceable"]:
                        todo.append(holder)
                    elif not label.startswith("field "):
                        raise Unaddressable(f"{holder.name} has another base")
                elif _path(holder) is None or step is None:
                    if holder.kind != "function":
                        raise Unaddressable(f"{holder.name} can't be found in the runner")
                    todo.append(holder)
        return dirty

    def _is_replaced(self, pair: Pair) -> bool:
        has_changed = bool(pair.facts or pair.differences)
        if pair.kind in _BY_VALUE:
            return has_changed or (pair.kind == "instance" and _wraps_another_shape(pair))
        if pair.kind == "function":
            return has_changed and _path(pair) is None
        if pair.kind == "class":
            if pair.new["replaceable"]:
                return bool(pair.facts) or any(it.label.startswith("field ") for it in pair.differences)
            if has_changed and _path(pair) is None:
                raise Unaddressable(f"{pair.name} can't be found in the runner")
        return False

    def _has_other_fields(self, pair: Pair) -> bool:
        return pair.kind == "class" and not pair.new["replaceable"] and (
            bool({"fields", "annotations"} & set(pair.facts))
            or any(it.label.startswith("field ") for it in pair.differences)
            or any(label.startswith("field ") and id(target) in self._dirty for label, _, target in pair.edges)
        )

    # Operations

    def _operate(self, pair: Pair, path: tuple) -> None:
        if pair.kind not in ("function", "class", "namespace", "module"):
            return
        value = self._objects[pair.new_index]
        if pair.kind == "function":
            if "code" in pair.facts:
                self._operations.append(("code", path, value.__code__))
            elif pair.moved:
                self._operations.append(("lines", path, value.__code__, pair.old["name"]))
            if pair.has_other_doc:
                self._operations.append(("attribute", path, "__doc__", value.__doc__))
        if pair.kind == "class" and pair.has_other_doc:
            self._operations.append(("member", path, "__doc__", value.__dict__.get("__doc__"), False))
        if self._has_other_fields(pair):
            for name in _DATACLASS:
                if name in value.__dict__:
                    self._operations.append(("member", path, name, value.__dict__[name], False))
        labels = {label: (None, target) for label, _, target in pair.edges if id(target) in self._dirty}
        labels.update({it.label: (it, None) for it in pair.differences})
        for label, (difference, _) in labels.items():
            self._operate_edge(pair, path, value, label, difference)

    def _operate_edge(self, pair: Pair, path: tuple, value, label: str, difference) -> None:
        is_gone = difference is not None and difference.new is None
        is_replaced = difference is not None and self._is_another_function(difference)
        add = self._operations.append
        if pair.kind == "function":
            if label in _OF_FUNCTION:
                add(("attribute", path, label, getattr(value, label)))
            elif label.startswith("closure ") and not is_gone:
                name = label.removeprefix("closure ")
                cell = value.__closure__[value.__code__.co_freevars.index(name)]
                add(("cell", path, name, cell.cell_contents))
            elif label.startswith("attribute "):
                name = label.removeprefix("attribute ")
                add(("function_attribute", path, name, [] if is_gone else [value.__dict__[name]]))
            elif label == "globals":
                raise Unaddressable(f"{pair.name} has other globals")
        elif pair.kind == "class":
            if label.startswith("."):
                name = label[1:]
                if is_gone:
                    add(("no_member", path, name))
                else:
                    add(("member", path, name, value.__dict__[name], is_replaced))
            elif not label.startswith("field "):
                raise Unaddressable(f"{pair.name} has another {label}")
        elif pair.kind == "namespace":
            if not is_gone:
                before = None
                had = difference is None or difference.old is not None
                if difference is not None and isinstance(difference.old, str) and difference.old[0] == "=":
                    before = difference.old[1:]
                add(("global", path, label, value.names[label], had, before, is_replaced))
        else:
            name = label[1:]
            add(("module_member", path, name, [] if is_gone else [vars(value)[name]]))

    def _is_another_function(self, difference) -> bool:
        """Whether a function is exchanged for a new version of itself, which its other holders wouldn't get."""
        if not isinstance(difference.old, int) or not isinstance(difference.new, int):
            return False
        old, new = self._comparison.old[difference.old], self._comparison.new[difference.new]
        return old["kind"] == new["kind"] == "function" and (old["name"], old["module"]) == (new["name"], new["module"])

    # The pickle

    def _pickle(self, content: dict) -> bytes:
        references: dict[int, tuple[tuple, str | None]] = {}
        spaces: dict[int, tuple] = {}
        for pair in self._comparison.pairs:
            path = _path(pair)
            if path is None or id(pair) in self._dirty:
                continue
            value = self._objects[pair.new_index]
            if pair.kind == "namespace":
                spaces[id(value.names)] = path
            elif pair.kind not in ("tuple", "frozenset", "generic", "cell", "method", "member"):
                references[id(value)] = (path, pair.old["name"] if pair.kind in _NAMED else None)
        file = io.BytesIO()
        _Pickler(file, references, spaces).dump(content)
        return file.getvalue()


class _Space:
    """Stands for the namespace at a path."""

    def __init__(self, path: tuple):
        self.path = path


class _Pickler(cloudpickle.Pickler):
    def __init__(self, file, references: dict[int, tuple[tuple, str | None]], spaces: dict[int, tuple]):
        super().__init__(file)
        self._references = references
        self._spaces = {key: _Space(path) for key, path in spaces.items()}
        self.globals_ref.update(self._spaces)

    def persistent_id(self, value):
        if type(value) in PRIMITIVES:
            return None
        if isinstance(value, _Space):
            return ("live", value.path, None)
        reference = self._references.get(id(value))
        if reference is not None:
            return ("live", *reference)
        if isinstance(value, types.ModuleType):
            return ("sdk", value.__name__, "") if live.is_sdk(value.__name__) else None
        if isinstance(value, types.FunctionType):
            module = value.__globals__.get("__name__")
            is_named = live.is_sdk(module) and module != "fal._serialization" and is_found_by_name(value)
            return ("sdk", module, value.__qualname__) if is_named else None
        if isinstance(value, type) and live.is_sdk(value.__module__) and "<locals>" not in value.__qualname__:
            return ("sdk", value.__module__, value.__qualname__)
        return None

    def _dynamic_function_reduce(self, function):
        space = self._spaces.get(id(function.__globals__))
        if space is None:
            return super()._dynamic_function_reduce(function)
        arguments = self._function_getnewargs(function)
        state, slots = internals._function_getstate(function)
        # Its globals are in the runner, and what is missing there comes as operations.
        slots["__globals__"] = {}
        return (types.FunctionType, arguments, (state, slots), None, None, internals._function_setstate)


def _memories(function: types.FunctionType):
    """Containers that a decorator has for its function, such as a cache, with what they have after an import."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        try:
            value = cell.cell_contents
        except ValueError:
            continue
        if isinstance(value, (dict, list, set, MutableMapping)):
            yield name, len(value)


def _path(pair: Pair) -> tuple | None:
    return None if pair.path is None else tuple(tuple(step) for step in pair.path)


def _wraps_another_shape(pair: Pair) -> bool:
    """Whether a library's object holds a function with other parameters, which it may have read when it was made."""
    return any(
        target.kind == "function" and target.old.get("shape") != target.new.get("shape")
        for _, step, target in pair.edges
        if step is None
    )
