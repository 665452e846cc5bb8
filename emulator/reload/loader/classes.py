"""Describes a class of the project: its facts, and edges to its bases, fields and members (describe.py)."""

from __future__ import annotations

import dataclasses
import enum
import functools
import types

from . import code as codes
from .names import digest_of_text, short, without_addresses

_GENERATED = {
    "__dict__",
    "__weakref__",
    "__doc__",
    "__module__",
    "__firstlineno__",
    "__static_attributes__",
    "_abc_impl",
    "__annotations__",
    "__annotate__",
    "__annotate_func__",
    "__annotations_cache__",
    "__qualname__",
    "__parameters__",
    "__orig_bases__",
}
"""Members of a class that Python makes, or that facts describe."""
_DATACLASS = {"__dataclass_fields__", "__dataclass_params__", "__match_args__"}


def describe_class(describer, node: dict, cls: type) -> None:
    """Fills the node of a class of the project."""
    node["kind"], node["module"] = "class", str(cls.__module__)
    facts = node["facts"]
    members = dict(cls.__dict__)
    is_enum = issubclass(cls, enum.Enum)
    models, apps = _models(), _apps()
    is_model = models is not None and issubclass(cls, models)
    facts["bases"] = [base.__qualname__ for base in cls.__bases__]
    node["foreign"] = any(
        not describer.is_project_class(base)
        and base is not object
        and base.__module__ not in ("abc", "typing", "builtins", "enum")
        for base in cls.__mro__
    )
    node["doc"] = digest_of_text(members.get("__doc__"))
    node["replaceable"] = "model" if is_model else "enum" if is_enum else ""
    if type(cls) is not type:
        describer.edge(node, "metaclass", type(cls), ["M"])
    for index, base in enumerate(cls.__bases__):
        describer.edge(node, f"base {index}", base, ["b", index])
    node["app"] = apps is not None and issubclass(cls, apps)
    node["runs"] = is_enum or issubclass(cls, type)
    # Its code for validation can't be seen or replaced.
    node["opaque"] = "__pydantic_validator__" in members and not is_model
    facts["annotations"] = codes.digest(without_addresses(repr(_own_annotations(cls))))
    if issubclass(cls, tuple) and "_fields" in members:
        facts["tuple fields"] = list(cls._fields)
    if "__slots__" in members:
        facts["slots"] = repr(members["__slots__"])
    if dataclasses.is_dataclass(cls):
        facts["fields"] = codes.digest([without_addresses(repr(members.get(name))) for name in sorted(_DATACLASS)])
        for name, field in getattr(cls, "__dataclass_fields__", {}).items():
            describer.edge(node, "field " + name, field, None)
    if is_model:
        _model(describer, node, cls)
    if is_enum:
        facts["members"] = [[name, it.name, short(it.value)] for name, it in cls.__members__.items()]
        for name, member in cls.__members__.items():
            if not describer.is_plain(member.value):
                describer.edge(node, "field " + name, member.value, None)
    for name, value in members.items():
        if name in _GENERATED or name in _DATACLASS or (is_model and name.startswith("__pydantic_")):
            continue
        if is_model and name in ("model_fields", "model_config", "__signature__", "__class_vars__"):
            continue
        if is_model and name in ("__private_attributes__",):
            facts["private"] = without_addresses(repr(value))
            continue
        if is_enum and (name.startswith("_") or name in cls.__members__):
            continue
        if isinstance(value, (types.MemberDescriptorType, types.GetSetDescriptorType)):
            continue
        describer.edge(node, "." + name, value, ["d", name])


def _model(describer, node: dict, cls: type) -> None:
    facts = node["facts"]
    try:
        schemas = [cls.model_json_schema(mode=mode) for mode in ("validation", "serialization")]
        facts["schema"] = codes.digest(without_addresses(repr(schemas)))
    except Exception:
        facts["schema"] = ""
    facts["config"] = without_addresses(repr(cls.model_config))
    # Functions in it can be part of no schema.
    describer.edge(node, "config", cls.model_config, None)
    facts["declared"] = codes.digest(without_addresses(repr(cls.model_fields)))
    decorators = getattr(cls, "__pydantic_decorators__", None)
    shapes = [
        codes.shape_of(value)
        for value in (getattr(member, "__func__", member) for member in cls.__dict__.values())
        if isinstance(value, types.FunctionType)
    ]
    facts["validators"] = codes.digest([without_addresses(repr(decorators)), shapes])
    for name, field in cls.model_fields.items():
        describer.edge(node, "field " + name, field, None)


@functools.lru_cache(maxsize=None)
def _models():
    try:
        import pydantic

        return pydantic.BaseModel if hasattr(pydantic.BaseModel, "model_fields") else None
    except ImportError:
        return None


@functools.lru_cache(maxsize=None)
def _apps():
    try:
        import fal

        return fal.App
    except ImportError:
        return None


def _own_annotations(cls: type) -> dict:
    try:
        return dict(cls.__dict__.get("__annotations__") or getattr(cls, "__annotations__", None) or {})
    except Exception:
        # Lazily evaluated annotations (3.14) can name what isn't there.
        return {}
