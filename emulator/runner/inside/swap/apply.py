"""
Changes the code of a running app in place: loads the operations that the loader made (emulator/reload/loader/delta.py),
resolves them on the live objects, checks that nothing holds what can't be changed, and applies them with an undo.

Nothing is changed before `apply`. Paths are steps from the registered callable: each names a part of the object before.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import sys
import types

from .checks import Refused, check_holders, check_instances

VERSION = 1
_PRIMITIVES = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), type(NotImplemented))
_EMPTY = object()
_LONG, _SHOWN = 1000, 40
_MOST_OBJECTS = 200_000


def brief(value) -> str:
    """The text by which plain values are compared in both processes."""
    kind = type(value)
    if kind in (str, bytes) and len(value) > _LONG:
        # The representation of many megabytes takes seconds.
        text = f"{kind.__name__} {value[:_SHOWN]!r}"
        return _cut(text, value if kind is bytes else value.encode("utf-8", "surrogatepass"))
    text = f"{kind.__name__} {value!r}" if isinstance(value, _PRIMITIVES) else "?"
    return text if len(text) <= 60 else _cut(text, repr(text).encode("utf-8", "surrogatepass"))


def _cut(text: str, content: bytes) -> str:
    return text[:_SHOWN] + "… " + hashlib.blake2b(content, digest_size=10).hexdigest()


def load(function, instance, data: bytes) -> Change:
    """
    The change in `data`, resolved from `function`, the registered callable. `instance`: the app's. Changes nothing;
    raises Refused.
    """
    resolve = Resolver(function)
    try:
        content = _Unpickler(io.BytesIO(data), resolve).load()
        if content["version"] != VERSION:
            raise Refused("the change was made by another version of minifal")
        return Change(content, instance, resolve)
    except Refused:
        raise
    except Exception as error:
        raise Refused(f"the change can't be loaded: {type(error).__name__}: {error}") from error


class Resolver:
    """Live objects by path."""

    def __init__(self, root):
        self._root = root
        self._memo = {(): root}
        self._sdk: dict[tuple[str, str], object] | None = None

    def __call__(self, path: tuple):
        found = self._memo.get(path, _EMPTY)
        if found is _EMPTY:
            try:
                found = step(self(path[:-1]), path[-1])
            except Refused:
                raise
            except Exception as error:
                text = f"{path[-1][-1]!r} isn't where it was: {type(error).__name__}"
                raise Refused(text, "Leave names as they were imported, and their edits are swapped") from error
            self._memo[path] = found
        return found

    def named(self, path: tuple, name: str | None):
        """The function or class of this name at a path: a request may have put another one there."""
        found = self(path)
        if name is not None and getattr(found, "__qualname__", None) != name:
            raise Refused(f"{name} was replaced at run time by {getattr(found, '__qualname__', found)!s:.80}")
        return found

    def holds(self, value) -> bool:
        """Whether this is the resolver's own memory."""
        return value is self._memo

    def sdk(self, module: str, name: str):
        """The object of the SDK that travelled with the app; a copy would be another one."""
        if self._sdk is None:
            self._sdk = sdk_objects(self._root)
        try:
            return self._sdk[module, name]
        except KeyError:
            raise Refused(f"{module}.{name or ''} isn't part of the running app".replace(". ", " ")) from None


def step(value, taken: tuple):
    """The part of an object that a step names."""
    kind = taken[0]
    if kind == "n":
        return value[taken[1]]
    if kind == "G":
        return value.__globals__
    if kind == "c":
        return value.__closure__[value.__code__.co_freevars.index(taken[1])].cell_contents
    if kind == "d":
        return value.__dict__[taken[1]]
    if kind == "b":
        return value.__bases__[taken[1]]
    if kind == "f":
        return value.__func__
    if kind == "S":
        return value.__self__
    if kind == "w":
        return value.__wrapped__
    if kind == "D":
        return value.__defaults__
    if kind == "K":
        return value.__kwdefaults__
    if kind == "A":
        return value.__annotations__
    if kind in ("i", "k"):
        return value[taken[1]]
    if kind in ("p", "m"):
        return getattr(value, taken[1])
    if kind == "F":
        return value.__dict__[taken[1]]
    if kind == "M":
        return type(value)
    if kind == "a":
        own = getattr(value, "__dict__", {})
        return own[taken[1]] if taken[1] in own else getattr(value, taken[1])
    raise KeyError(kind)


def sdk_objects(root) -> dict[tuple[str, str], object]:
    """Functions, classes and modules of the SDK that the callable reaches, by module and qualified name."""
    found: dict[tuple[str, str], object] = {}
    seen: set[int] = set()
    todo = [root]
    keep = []
    while todo and len(seen) < _MOST_OBJECTS:
        value = todo.pop()
        if id(value) in seen or isinstance(value, _PRIMITIVES):
            continue
        seen.add(id(value))
        keep.append(value)
        if isinstance(value, types.FunctionType):
            module = value.__globals__.get("__name__")
            if is_sdk(module) and "<locals>" not in value.__qualname__ and value.__module__ == module:
                key = (module, value.__qualname__)
                # A wrapper has the names of what it wraps, and is what the module has.
                if key not in found or getattr(value, "__wrapped__", None) is found[key]:
                    found[key] = value
            todo += [value.__defaults__, value.__kwdefaults__, value.__dict__]
            todo += [cell.cell_contents for cell in value.__closure__ or () if _is_filled(cell)]
            names = value.__globals__
            todo += [names[name] for name in _global_names(value.__code__) if name in names]
            todo.append(value.__annotations__)
        elif isinstance(value, type):
            if is_sdk(value.__module__) and "<locals>" not in value.__qualname__:
                found.setdefault((value.__module__, value.__qualname__), value)
            elif sys.modules.get(value.__module__) is not None and _is_importable(value):
                continue
            todo += [*value.__bases__, type(value), *value.__dict__.values()]
        elif isinstance(value, types.ModuleType):
            if is_sdk(value.__name__):
                found.setdefault((value.__name__, ""), value)
                todo += vars(value).values()
        elif isinstance(value, (staticmethod, classmethod)):
            todo.append(value.__func__)
        elif isinstance(value, property):
            todo += [value.fget, value.fset, value.fdel]
        elif isinstance(value, types.MethodType):
            todo += [value.__func__, value.__self__]
        elif isinstance(value, (list, tuple, set, frozenset)):
            todo += value if len(value) < 1000 else ()
            if type(value) not in (list, tuple, set, frozenset):
                todo.append(type(value))
        elif isinstance(value, (dict, types.MappingProxyType)):
            todo += value.values() if len(value) < 10_000 else ()
        elif isinstance(value, BaseException) or is_sdk(type(value).__module__):
            todo += [type(value), getattr(value, "__dict__", None)]
        elif hasattr(value, "__wrapped__") and type(value).__module__ == "functools":
            todo.append(value.__wrapped__)
    return found


def is_sdk(module) -> bool:
    return isinstance(module, str) and module.partition(".")[0] == "fal"


def _is_importable(cls) -> bool:
    return getattr(sys.modules[cls.__module__], cls.__qualname__.partition(".")[0], None) is not None


def _is_filled(cell) -> bool:
    try:
        cell.cell_contents
    except ValueError:
        return False
    return True


def _global_names(code):
    for part in _all_codes(code):
        yield from part.co_names


def _all_codes(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _all_codes(constant)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file, resolve: Resolver):
        super().__init__(file)
        self._resolve = resolve

    def persistent_load(self, reference):
        kind, *about = reference
        if kind == "live":
            return self._resolve.named(*about)
        if kind == "sdk":
            return self._resolve.sdk(*about)
        raise Refused(f"unknown reference {kind!r}")


class Change:
    """
    Operations on live objects. `functions`: those that change or reach something that does; none of them may be running
    or suspended while it is applied. `cleared`, `kept`: names for people.
    """

    def __init__(self, content: dict, instance, resolve: Resolver):
        self._instance, self._resolve = instance, resolve
        for path, name in content["names"]:
            resolve.named(path, name)
        self._operations = [it for it in (_resolved(resolve, *it) for it in content["operations"]) if it is not None]
        self._instances = [(kind, resolve(path)) for kind, path in content["instances"]]
        self._caches = [(kind, resolve(path)) for kind, path in content["caches"]]
        self._memories = [(resolve(path), name, length) for path, name, length in content["memories"]]
        self.functions = [resolve(path) for path in content["functions"]]
        self.cleared: list[str] = []
        self.kept: list[str] = list(content["kept"])
        for kind, target, *_ in self._operations:
            if kind in ("code", "attribute", "cell", "function_attribute") and type(target) is not types.FunctionType:
                raise Refused(f"{getattr(target, '__qualname__', target)!s:.80} isn't a function any more")

    def check(self) -> None:
        """Whether live objects permit the change; changes nothing. Names what old code has stored."""
        for function, name, length in self._memories:
            try:
                if len(step(function, ("c", name))) != length:
                    self.kept.append(f"{name} of {function.__qualname__}")
            except Exception:
                # Something else is there by now.
                continue
        for kind, cls in self._instances:
            check_instances(kind, cls)
        for kind, target, *about in self._operations:
            if kind == "global":
                name, _, had, before, is_replaced = about
                if had and before is not None and name in target and brief(target[name]) != before:
                    text = f"{name} was changed at run time to {target[name]!r:.40}"
                    raise Refused(text, "Keep in self what requests change; edits of other globals are swapped")
                if is_replaced:
                    check_holders(target.get(name), name, self._is_own)
            elif kind == "member":
                name, _, is_replaced = about
                if is_replaced:
                    check_holders(target.__dict__.get(name), name, self._is_own)
            elif kind == "code" and len(target.__code__.co_freevars) != len(about[0].co_freevars):
                text = f"{target.__qualname__} has other variables of outer functions"
                raise Refused(text, "Edits that use the same variables of outer functions are swapped")

    def _is_own(self, holder) -> bool:
        """Whether it is the change itself that holds something there."""
        return (
            self._resolve.holds(holder)
            or holder is self._operations
            or holder is self.functions
            or (isinstance(holder, tuple) and any(operation is holder for operation in self._operations))
        )

    def apply(self):
        """Makes the change. Returns a function that takes it back. If it raises, it has taken it back."""
        undo: list = []

        def take_back() -> None:
            while undo:
                undo.pop()()

        try:
            for operation in self._operations:
                undo.append(_perform(*operation))
            for kind, target in self._caches:
                self._clear(kind, target)
        except BaseException:
            take_back()
            raise
        return take_back

    def _clear(self, kind: str, target) -> None:
        if kind == "cache":
            target.cache_clear()
            self.cleared.append(getattr(target, "__qualname__", "a cache"))
        elif self._instance is not None and self._instance.__dict__.pop(target.attrname, _EMPTY) is not _EMPTY:
            self.cleared.append(f"self.{target.attrname}")


def _resolved(resolve: Resolver, kind: str, path: tuple, *about) -> tuple | None:
    if kind != "lines":
        return (kind, resolve(path), *about)
    code, name = about
    try:
        return ("code", resolve.named(path, name), code)
    except Refused:
        # Only lines of code that a request has replaced.
        return None


def _perform(kind: str, target, *about):
    """Makes one operation; returns what takes it back."""
    if kind == "code":
        before = target.__code__
        target.__code__ = about[0]
        return lambda: setattr(target, "__code__", before)
    if kind == "attribute":
        name, value = about
        before = getattr(target, name)
        setattr(target, name, value)
        return lambda: setattr(target, name, before)
    if kind == "cell":
        name, value = about
        cell = target.__closure__[target.__code__.co_freevars.index(name)]
        was_filled = _is_filled(cell)
        before = cell.cell_contents if was_filled else None
        cell.cell_contents = value

        def restore() -> None:
            if was_filled:
                cell.cell_contents = before
            else:
                del cell.cell_contents

        return restore
    if kind == "function_attribute":
        return _set_item(target.__dict__, *about)
    if kind == "global":
        return _set_item(target, about[0], [about[1]])
    if kind == "member":
        return _set_member(target, about[0], [about[1]])
    if kind == "no_member":
        return _set_member(target, about[0], [])
    if kind == "module_member":
        return _set_item(vars(target), *about)
    raise Refused(f"unknown operation {kind!r}")


def _set_item(names: dict, name: str, values: list):
    """`values`: the new value, or nothing to delete it."""
    before = names.get(name, _EMPTY)
    if values:
        names[name] = values[0]
    else:
        names.pop(name, None)

    def restore() -> None:
        if before is _EMPTY:
            names.pop(name, None)
        else:
            names[name] = before

    return restore


def _set_member(cls: type, name: str, values: list):
    before = cls.__dict__.get(name, _EMPTY)
    if values:
        # As cloudpickle does: what `__set_name__` stored came with the value.
        setattr(cls, name, values[0])
    elif before is not _EMPTY:
        delattr(cls, name)

    def restore() -> None:
        if before is not _EMPTY:
            setattr(cls, name, before)
        elif name in cls.__dict__:
            delattr(cls, name)

    return restore
