"""
What the code that runs before the first request can reach: by references, and by name. A name that the code uses can be
that of any member of any class, because types aren't known.
"""

from __future__ import annotations

from .compare import Comparison, Difference, Pair

BEFORE_SERVING = (
    "setup",
    "__new__",
    "__init_subclass__",
    "_build_app",
    "lifespan",
    "version",
    "local_python_modules",
    "metrics_port",
    "_add_extra_middlewares",
    "_add_extra_routes",
    "collect_routes",
    "serve",
    "handle_exit",
    "startup_timeout",
)
"""Members of an app that the SDK uses before the first request (fal/app.py, fal/api/api.py)."""
LOADED = ("__init_subclass__", "__setstate__", "__new__", "__reduce__", "__reduce_ex__")
"""Members that run while a runner loads the pickle."""
LOADED_OF_CLASSES = ("__init__", "__prepare__", "__setattr__", "_generate_next_value_", "_missing_")
"""The same, of metaclasses and enums."""
DYNAMIC = frozenset(
    "globals vars eval exec __import__ import_module getattr locals attrgetter getmembers __subclasses__ __dict__ dir"
    " __globals__ modules methodcaller __getattribute__ getattr_static f_globals f_locals get_objects resolve_name"
    .split()
)
"""Names with which code can reach what it doesn't name."""


class Reach:
    """Follows the pairs of a comparison."""

    def __init__(self, comparison: Comparison):
        self._pairs = comparison.pairs
        self._members: dict[str, list[tuple[Pair, Pair | Difference]]] = {}
        """By name: what classes of the project have under it, with the class."""
        for pair in comparison.pairs:
            if pair.kind == "class":
                for label, _, target in pair.edges:
                    if label.startswith("."):
                        self._members.setdefault(label[1:], []).append((pair, target))
                for it in pair.differences:
                    if it.label.startswith("."):
                        self._members.setdefault(it.label[1:], []).append((pair, it))

    def before_serving(self) -> tuple[dict[int, tuple[object, object]], Pair | None]:
        """
        By identity: each place that is reached, and the one before it. And the first function that can reach what it
        doesn't name.
        """
        todo: list[tuple[object, object]] = []
        apps = self._app_classes()
        for name in BEFORE_SERVING:
            todo += [(target, None) for owner, target in self._members.get(name, ()) if id(owner) in apps]
        for name, entries in self._members.items():
            for target in (target for owner, target in entries if id(owner) in apps):
                is_special = name.startswith("__") and name.endswith("__")
                # The SDK reads each property before setup() (inspect.getmembers).
                if is_special or (isinstance(target, Pair) and target.kind == "property" and self._stores(target)):
                    todo.append((target, None))
        for name in LOADED:
            todo += [(target, None) for _, target in self._members.get(name, ())]
        for name in LOADED_OF_CLASSES:
            todo += [(target, None) for owner, target in self._members.get(name, ()) if owner.new["runs"]]
        for pair in self._pairs:
            if id(pair) in apps:
                todo += [(target, None) for label, _, target in pair.edges if label == "metaclass"]
        found: dict[int, tuple[object, object]] = {}
        star = None
        while todo:
            target, via = todo.pop()
            if id(target) in found:
                continue
            found[id(target)] = (target, via)
            if isinstance(target, Difference):
                continue
            if target.kind == "function" and set(target.new.get("names", ())) & DYNAMIC:
                star = star or target
            todo += [(it, target) for it in self.next(target)]
        return found, star

    def _app_classes(self) -> set[int]:
        """Identities of the app's class and of the project's classes that it inherits from."""
        todo = [pair for pair in self._pairs if pair.kind == "class" and pair.new["app"]]
        found: set[int] = set()
        while todo:
            pair = todo.pop()
            found.add(id(pair))
            todo += [target for label, _, target in pair.edges if label.startswith("base ")]
        return found

    def _stores(self, pair: Pair) -> bool:
        """Whether something that is reached from here sets attributes or globals."""
        todo, seen = [pair], set()
        while todo:
            it = todo.pop()
            if id(it) in seen or isinstance(it, Difference):
                continue
            seen.add(id(it))
            if it.new.get("stores") or it.old.get("stores"):
                return True
            todo += self.next(it)
        return False

    def next(self, pair: Pair):
        """Pairs and differences that code at this place can get to."""
        if pair.kind == "class":
            for label, _, target in pair.edges:
                if self._follows_member(pair, label):
                    yield target
            for it in pair.differences:
                if self._follows_member(pair, it.label):
                    yield it
            return
        if pair.kind == "namespace":
            return
        for label, _, target in pair.edges:
            if label == "globals":
                names = set(pair.new.get("globals", ())) | set(pair.old.get("globals", ()))
                yield from (it for name, _, it in target.edges if name in names)
                yield from (it for it in target.differences if it.label in names)
            elif label != "__annotations__":
                yield target
        for it in pair.differences:
            if it.label != "__annotations__":
                yield it
        if pair.kind == "function" and pair.new.get("own"):
            for name in {*pair.new["names"], *pair.new["texts"], *pair.old["names"], *pair.old["texts"]}:
                yield from (target for _, target in self._members.get(name, ()))

    def _follows_member(self, pair: Pair, label: str) -> bool:
        """Members of plain classes are followed where code names them; a library may call those of its subclasses."""
        if not label.startswith("."):
            return True
        name = label[1:]
        if name.startswith("__") and name.endswith("__"):
            return True
        return pair.new["foreign"] and not pair.new["app"]

    def affected(self) -> set[int]:
        """Identities of pairs from which something that changed can be reached."""
        back: dict[int, list[Pair]] = {}
        todo: list[Pair] = []
        for pair in self._pairs:
            has_changed = bool(pair.facts or pair.differences)
            for _, _, target in pair.edges:
                if target.kind != "namespace":
                    back.setdefault(id(target), []).append(pair)
            for target in self.next(pair):
                if isinstance(target, Difference):
                    has_changed = True
                else:
                    back.setdefault(id(target), []).append(pair)
            if has_changed:
                todo.append(pair)
        found: set[int] = set()
        while todo:
            pair = todo.pop()
            if id(pair) not in found:
                found.add(id(pair))
                if pair.kind != "namespace":
                    todo += back.get(id(pair), ())
        return found
