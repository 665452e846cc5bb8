"""What two compiled functions are compared by: everything but where their lines are and what their docstring says."""

from __future__ import annotations

import dis
import hashlib
import re
import types

_STORE_ATTR = dis.opmap["STORE_ATTR"]
_STORE_GLOBAL = dis.opmap["STORE_GLOBAL"]
_STORE_ITEMS = {dis.opmap[name] for name in ("STORE_SUBSCR", "STORE_SLICE") if name in dis.opmap}
_CHANGING = frozenset(
    "append add update setdefault extend insert pop popitem remove discard clear appendleft put move_to_end".split()
)
"""Methods that change lists, dicts, sets and queues."""
_EXTENDED = dis.EXTENDED_ARG
_HAS_DOCSTRING = 0x4000000
"""A flag of code since Python 3.14; the docstring isn't compared."""
_FUNCTION = 0x2
_LONGEST_NAME = 100
_FIELD = re.compile(r"\{([^{}]*)")
_ATTRIBUTE = re.compile(r"\.(\w+)")


def digest(value) -> str:
    data = value if isinstance(value, bytes) else repr(value).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=10).hexdigest()


def key_of(code, is_outer: bool = True) -> tuple:
    """Equal for two functions that do the same, wherever they are in their files."""
    return (
        code.co_code,
        # The docstring of a function within can't be changed from outside, so it counts as code.
        tuple(_constant_key(constant) for constant in (_without_docstring(code) if is_outer else code.co_consts)),
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_flags & ~_HAS_DOCSTRING,
        getattr(code, "co_exceptiontable", b""),
        code.co_name,
    )


def _constant_key(constant):
    if isinstance(constant, types.CodeType):
        return ("code", key_of(constant, is_outer=False))
    if isinstance(constant, tuple):
        return ("tuple", tuple(_constant_key(item) for item in constant))
    if isinstance(constant, frozenset):
        return ("frozenset", tuple(sorted((_constant_key(item) for item in constant), key=repr)))
    return (type(constant).__name__, repr(constant))


def _without_docstring(code) -> list:
    constants = list(code.co_consts)
    if constants and isinstance(constants[0], str) and code.co_flags & _FUNCTION:
        # The compiler puts a docstring first, and no instruction loads it.
        if not any(i.arg == 0 and i.opcode in dis.hasconst for i in dis.get_instructions(code)):
            constants[0] = None
    return constants


def lines_of(code) -> tuple:
    """Where the lines of the function are."""
    table = code.co_linetable if hasattr(code, "co_linetable") else code.co_lnotab
    inner = tuple(lines_of(constant) for constant in code.co_consts if isinstance(constant, types.CodeType))
    return (code.co_firstlineno, table, inner)


def shape_of(function) -> tuple:
    """What libraries read of a function when they wrap it: its parameters."""
    code = function.__code__
    count = code.co_argcount + code.co_kwonlyargcount
    annotations = {name: getattr(value, "__qualname__", None) or str(value) for name, value in _annotations(function)}
    return (
        code.co_varnames[:count],
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_flags & 0x2AC,
        repr(function.__defaults__) if _is_plain(function.__defaults__) else len(function.__defaults__ or ()),
        sorted(annotations.items()),
    )


def _annotations(function):
    return (function.__annotations__ or {}).items()


def _is_plain(defaults) -> bool:
    return all(isinstance(value, (type(None), bool, int, float, str, bytes)) for value in defaults or ())


def all_codes(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from all_codes(constant)


def names_of(code) -> set[str]:
    """Globals and attributes that the function and the functions in it use."""
    found: set[str] = set()
    for part in all_codes(code):
        names = set(part.co_names)
        if names & {"getattr", "__dict__"}:
            names -= _harmless(part)
        found |= names
    return found


def _harmless(code) -> set[str]:
    """`getattr` where its name is a constant (which `texts_of` has), and `__dict__` of `self`, which has only data."""
    instructions = [it for it in dis.get_instructions(code) if it.opname not in ("CACHE", "PUSH_NULL", "RESUME", "NOP")]
    found = {"getattr", "__dict__"}
    for at, it in enumerate(instructions):
        if it.argval == "getattr" and it.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            after = instructions[at + 1 : at + 3]
            is_simple = len(after) == 2 and after[0].opname in ("LOAD_FAST", "LOAD_FAST_BORROW", "LOAD_DEREF")
            if not is_simple or after[1].opname != "LOAD_CONST" or not isinstance(after[1].argval, str):
                found.discard("getattr")
        elif it.argval == "getattr":
            found.discard("getattr")
        elif it.argval == "__dict__" and it.opname != "STORE_ATTR":
            before = instructions[at - 1]
            if before.opname not in ("LOAD_FAST", "LOAD_FAST_BORROW") or before.argval != "self":
                found.discard("__dict__")
    return found


def texts_of(code) -> set[str]:
    """Texts in the function that could be names: `getattr` and the like take them, and formats (`{0.name}`)."""
    found: set[str] = set()
    for constant in (it for part in all_codes(code) for it in part.co_consts if isinstance(it, str)):
        if len(constant) <= _LONGEST_NAME and constant.isidentifier():
            found.add(constant)
        elif "{" in constant:
            found.update(name for field in _FIELD.findall(constant) for name in _ATTRIBUTE.findall(field))
    return found


def stores_of(code) -> set[str]:
    """Names of attributes and globals that the function sets, or sets items of: `.name`, `name`."""
    found = set()
    for part in all_codes(code):
        extended = 0
        raw = part.co_code
        has_items = False
        for at in range(0, len(raw), 2):
            operation, argument = raw[at], raw[at + 1] | extended
            extended = argument << 8 if operation == _EXTENDED else 0
            if operation == _STORE_ATTR:
                found.add("." + part.co_names[argument])
            elif operation == _STORE_GLOBAL:
                found.add(part.co_names[argument])
            has_items = has_items or operation in _STORE_ITEMS
        changes = set(part.co_names) & _CHANGING
        if has_items or changes:
            found |= _changed_by(part)
    return found


def _changed_by(code) -> set[str]:
    """Globals and attributes whose items are set, or that a method changes: `CACHE[key] =`, `self.seen.append`."""
    found = set()
    source: str | None = None
    for it in dis.get_instructions(code):
        if it.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            source = str(it.argval)
        elif it.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            if source is not None and it.argval in _CHANGING:
                found.add(source)
            source = "." + str(it.argval)
        elif it.opname in ("STORE_SUBSCR", "STORE_SLICE") and source is not None:
            found.add(source)
            source = None
        elif it.opname in ("LOAD_FAST", "LOAD_FAST_BORROW", "LOAD_CONST", "CACHE", "PUSH_NULL", "LOAD_DEREF"):
            continue
        elif it.opname.startswith(("CALL", "STORE", "RETURN", "POP")):
            source = None
    return found


def module_key(file: str):
    """The code of a module without the bodies of its functions; with their decorators, defaults and annotations."""
    return _outline(_compiled(file))


def _compiled(file: str):
    try:
        with open(file, "rb") as source:
            return compile(source.read(), "module", "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError):
        return None


def _outline(code):
    if code is None:
        return None
    constants = []
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            is_class = not constant.co_flags & _FUNCTION
            constants.append(_outline(constant) if is_class else ("function", constant.co_name, constant.co_freevars))
        else:
            constants.append(_constant_key(constant))
    return (code.co_code, tuple(constants), code.co_names)
