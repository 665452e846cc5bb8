"""
Describes what `fal run` would register, as data: a graph with a node per object that travels in the pickle, its facts
(digests), and labelled edges. Two descriptions can be compared without the objects (judge.py).

An edge has a step if a runner can walk it on its live objects (emulator/runner/inside/swap/apply.py), so the steps from
the root to a node are its address there. Only the project's objects are nodes: what belongs to libraries, Python and
the SDK is the same in each import, and is named.
"""

from __future__ import annotations

import enum
import functools
import types
import typing

from cloudpickle import cloudpickle as internals

from . import code as codes
from .classes import describe_class
from .large import MOST_PARTS, TooLarge, content_of, name_of_most
from .names import PRIMITIVES, Labels, digest_of_text, is_found_by_name, is_unbound, short, without_addresses
from .outline import outline


class Describer:
    """Walks the objects. `nodes` is the description's graph, `objects` has the object of each node."""

    def __init__(self, modules: dict[str, object]):
        self.nodes: list[dict] = []
        self.objects: list[object] = []
        self._by_id: dict[int, int] = {}
        self._queue: list[int] = []
        self._modules = modules
        self.files: set[str] = set()
        """Files of functions that travel."""
        self._parts = 0

    def walk(self, root) -> None:
        """Raises TooLarge."""
        self.target(root)
        while self._queue:
            index = self._queue.pop(0)
            self._fill(self.nodes[index], self.objects[index])

    # Targets

    def target(self, value):
        """The end of an edge: the number of a node, or a text for what has no parts of its own."""
        if self.is_plain(value):
            return "=" + short(value)
        if isinstance(value, typing.TypeVar):
            # Its pickle has a random id.
            return f"=TypeVar {value.__name__} {without_addresses(repr((value.__bound__, value.__constraints__)))}"
        if isinstance(value, enum.Enum) and not self.is_project_class(type(value)):
            return f"={type(value).__module__}:{type(value).__qualname__}.{value.name}"
        if isinstance(value, types.ModuleType):
            if value.__name__ not in self._modules:
                return "@" + value.__name__
        elif isinstance(value, type):
            if not self.is_project_class(value):
                return f"@{value.__module__}:{value.__qualname__}"
        elif isinstance(value, types.FunctionType):
            if not self._is_project_function(value) and is_found_by_name(value):
                return f"@{value.__module__}:{value.__qualname__}"
        elif isinstance(value, (types.WrapperDescriptorType, types.MethodDescriptorType)) or is_unbound(value):
            return f"@{getattr(value, '__module__', None)}:{getattr(value, '__qualname__', value)}"
        return self._node(value, id(value))

    def _node(self, value, key) -> int:
        index = self._by_id.get(key)
        if index is None:
            index = self._by_id[key] = len(self.nodes)
            self.nodes.append({"kind": "?", "name": "", "facts": {}, "edges": []})
            # Keeps the object alive, so that its identity stays its own.
            self.objects.append(value)
            self._queue.append(index)
        return index

    def is_plain(self, value) -> bool:
        """Whether the value's text is all of it: the project's kinds of texts and numbers have more."""
        if type(value) in PRIMITIVES:
            return True
        return isinstance(value, PRIMITIVES) and not self.is_project_class(type(value))

    def _text_of(self, value, depth: int = 4) -> str:
        """What a key or a member of a set is called, the same in each import."""
        target = None if isinstance(value, (tuple, frozenset, enum.Enum)) else self.target(value)
        if isinstance(target, str):
            return target
        if isinstance(value, enum.Enum):
            return f"{type(value).__qualname__}.{value.name}"
        if isinstance(value, (tuple, frozenset)) and depth > 0:
            texts = [self._text_of(item, depth - 1) for item in value]
            return f"({', '.join(texts if isinstance(value, tuple) else sorted(texts))})"
        return str(getattr(value, "__qualname__", None) or type(value).__qualname__)

    def is_project_class(self, cls: type) -> bool:
        module = getattr(cls, "__module__", None)
        return module in self._modules or module == "<run_path>" or self._is_made_by_project(cls)

    def _is_made_by_project(self, cls: type) -> bool:
        """Such as the class of `namedtuple()` or `create_model()`, with another module's name."""
        if "<locals>" in cls.__qualname__ or cls.__module__ in ("builtins", "typing"):
            return False
        try:
            return not internals._should_pickle_by_reference(cls) and cls.__module__.partition(".")[0] != "fal"
        except Exception:
            return False

    def _is_project_function(self, function) -> bool:
        names = function.__globals__
        name = names.get("__name__")
        if name == "<run_path>" and isinstance(names.get("__file__"), str):
            self.files.add(names["__file__"])
        return name is None or name in self._modules or name == "<run_path>"

    # Kinds

    def _fill(self, node: dict, value) -> None:
        kind = type(value)
        node["name"] = getattr(value, "__qualname__", None) or kind.__qualname__
        if isinstance(value, _Namespace):
            self._namespace(node, value)
        elif isinstance(value, types.FunctionType):
            self._function(node, value)
        elif isinstance(value, type):
            describe_class(self, node, value)
        elif isinstance(value, (staticmethod, classmethod)):
            node["kind"] = kind.__name__
            self.edge(node, "func", value.__func__, ["f"])
        elif isinstance(value, property):
            node["kind"] = "property"
            node["name"] = getattr(value.fget, "__qualname__", "property")
            for part in ("fget", "fset", "fdel"):
                self.edge(node, part, getattr(value, part), ["p", part])
        elif isinstance(value, functools.cached_property):
            node["kind"] = "cached_property"
            node["name"] = getattr(value.func, "__qualname__", "property")
            node["facts"]["name"] = str(value.attrname)
            self.edge(node, "func", value.func, ["p", "func"])
        elif isinstance(value, functools._lru_cache_wrapper):
            node["kind"] = "cache"
            node["facts"]["parameters"] = repr(value.cache_parameters())
            self.edge(node, "wrapped", value.__wrapped__, ["w"])
        elif isinstance(value, types.MethodType):
            node["kind"] = "method"
            self.edge(node, "func", value.__func__, ["f"])
            self.edge(node, "self", value.__self__, ["S"])
        elif isinstance(value, types.ModuleType):
            self._module(node, value)
        elif (content := content_of(value)) is not None:
            node["kind"] = kind.__name__
            node["facts"]["content"] = content
        elif kind in (list, tuple):
            node["kind"] = kind.__name__
            node["facts"]["length"] = len(value)
            for index, item in enumerate(value):
                self.edge(node, f"[{index}]", item, ["i", index])
        elif kind is dict or isinstance(value, types.MappingProxyType):
            self._dict(node, value)
        elif kind in (set, frozenset):
            node["kind"] = kind.__name__
            texts = sorted(((self._text_of(item), item) for item in value), key=lambda pair: pair[0])
            node["facts"]["members"] = codes.digest([text for text, _ in texts])
            labels = Labels()
            for text, item in texts:
                if not self.is_plain(item):
                    self.edge(node, labels.unique(f"member {text}"), item, None)
        elif isinstance(value, types.CellType):
            node["kind"] = "cell"
            try:
                self.edge(node, "content", value.cell_contents, None)
            except ValueError:
                node["facts"]["empty"] = True
        elif isinstance(value, types.GenericAlias) or typing.get_origin(value) is not None:
            node["kind"] = "generic"
            node["facts"]["origin"] = repr(typing.get_origin(value))
            for index, item in enumerate(typing.get_args(value)):
                self.edge(node, f"argument {index}", item, None)
        elif isinstance(value, enum.Enum):
            node["kind"], node["name"] = "member", f"{kind.__qualname__}.{value.name}"
            node["facts"]["value"] = short(value.value) if isinstance(value.value, PRIMITIVES) else "?"
            self.edge(node, "class", kind, ["M"])
        else:
            self._instance(node, value)

    def edge(self, node: dict, label: str, value, step) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise TooLarge(name_of_most(self.nodes))
        node["edges"].append([label, step, self.target(value)])

    def _function(self, node: dict, function) -> None:
        code = function.__code__
        own = self._is_project_function(function)
        facts = node["facts"]
        node["kind"], node["module"] = "function", str(function.__globals__.get("__name__"))
        node["own"] = own
        facts["code"] = codes.digest(codes.key_of(code))
        node["lines"] = codes.digest(codes.lines_of(code))
        node["doc"] = digest_of_text(function.__doc__)
        node["free"] = list(code.co_freevars)
        node["shape"] = codes.digest(codes.shape_of(function))
        if own:
            node["names"] = sorted(codes.names_of(code))
            node["texts"] = sorted(codes.texts_of(code))
            # `helpers.add(…)` of a module changes nothing.
            fixed = (types.ModuleType, types.FunctionType, type)
            names = function.__globals__
            node["stores"] = sorted(it for it in codes.stores_of(code) if not isinstance(names.get(it), fixed))
        for label, step in (("__defaults__", ["D"]), ("__kwdefaults__", ["K"]), ("__annotations__", ["A"])):
            value = getattr(function, label)
            if value:
                self.edge(node, label, value, step)
        for name, cell in zip(code.co_freevars, function.__closure__ or ()):
            try:
                self.edge(node, "closure " + name, cell.cell_contents, ["c", name])
            except ValueError:
                continue
        for name, value in function.__dict__.items():
            self.edge(node, "attribute " + name, value, ["F", name])
        if own:
            names = [name for name in internals._extract_code_globals(code) if name in function.__globals__]
            node["globals"] = names
            key = ("namespace", id(function.__globals__))
            index = self._by_id.get(key)
            if index is None:
                index = self._node(_Namespace(function.__globals__), key)
            self.objects[index].add(self, self.nodes[index], names)
            node["edges"].append(["globals", ["G"], index])

    def _namespace(self, node: dict, space: _Namespace) -> None:
        node["kind"] = "namespace"
        node["name"] = str(space.names.get("__name__"))

    def _module(self, node: dict, module) -> None:
        node["kind"], node["name"] = "module", module.__name__
        by_value = internals._should_pickle_by_reference(module) is False
        node["facts"]["by value"] = by_value
        if not by_value:
            node["facts"]["source"] = codes.digest(codes.module_key(getattr(module, "__file__", "")))
        for name, value in vars(module).items():
            if not name.startswith("__"):
                self.edge(node, "." + name, value, ["m", name])

    def _dict(self, node: dict, value) -> None:
        node["kind"] = "dict"
        texts = [self._text_of(key) for key in value]
        node["facts"]["keys"] = codes.digest(texts)
        labels = Labels()
        for text, (key, item) in zip(texts, value.items()):
            is_simple = type(key) in (str, int, bool, type(None))
            label = labels.unique(f"[{key!r}]" if is_simple else f"[{text}]")
            self.edge(node, label, item, ["k", key] if is_simple else None)
            if not self.is_plain(key):
                self.edge(node, f"key {label}", key, None)

    def _instance(self, node: dict, value) -> None:
        cls = type(value)
        node["kind"] = "instance"
        node["module"] = str(cls.__module__)
        if self.is_project_class(cls):
            self.edge(node, "class", cls, ["M"])
            found = dict(getattr(value, "__dict__", None) or {})
            for base in cls.__mro__:
                slots = base.__dict__.get("__slots__", ())
                for name in (slots,) if isinstance(slots, str) else slots:
                    if hasattr(value, name):
                        found[name] = getattr(value, name)
            node["facts"]["attributes"] = list(found)
            for name, part in found.items():
                self.edge(node, name, part, ["a", name])
            if not isinstance(value, (dict, list, tuple, set, str, int, float, bytes)):
                return
        node["facts"]["pickled"] = outline(self, node, value)


class _Namespace:
    """The globals of functions, as far as functions that travel use them."""

    def __init__(self, names: dict):
        self.names = names
        self._known: set[str] = set()

    def add(self, describer: Describer, node: dict, names: list[str]) -> None:
        for name in names:
            if name not in self._known:
                self._known.add(name)
                node["edges"].append([name, ["n", name], describer.target(self.names[name])])
