"""Whether live objects permit a change of the code: what can't be changed in place must not be held elsewhere."""

from __future__ import annotations

import enum
import gc
import types


class Refused(Exception):
    """
    The change can't be made on the live objects. `text` names the first reason, `remedy` what would make it possible,
    in a sentence without its full stop.
    """

    def __init__(self, text: str, remedy: str = ""):
        super().__init__(text)
        self.text = text
        self.remedy = remedy or "It is a case that minifal can't change in place; edits of functions are swapped"


def check_holders(old, name: str, is_own) -> None:
    """A function that is replaced, not changed, must not be held elsewhere. `is_own(holder)`: the change itself."""
    if not isinstance(old, types.FunctionType):
        return

    def is_fine(holder, held) -> bool:
        if isinstance(holder, (types.FrameType, types.CoroutineType, types.CellType)) or is_own(holder):
            return True
        return isinstance(holder, dict) and holder.get(name) is held

    kind = _kind_of_holder(old, is_fine)
    if kind is not None:
        text = f"{name} can't be changed in place and is held by a {kind}"
        raise Refused(text, f"Use {name} by its name instead of keeping it, and its edits are swapped")


def check_instances(kind: str, cls) -> None:
    """Nothing may keep an instance of a class, or a member of an enum, that is replaced."""
    if kind == "enum":
        for member in cls:
            holder = _kind_of_holder(member, lambda holder, held: _is_of_enum(holder, cls, held))
            if holder is not None:
                text = f"{cls.__qualname__}.{member.name} is held by a {holder}"
                raise Refused(text, f"Edits of {cls.__qualname__} are swapped while nothing keeps its members")
        return
    count = sum(1 for value in gc.get_objects() if type(value) is cls)
    if count:
        text = f"{count} live instance{'' if count == 1 else 's'} of {cls.__qualname__}"
        raise Refused(text, f"Edits of {cls.__qualname__} are swapped while nothing keeps one")


def _kind_of_holder(held, is_fine) -> str | None:
    """
    Of several kinds the first by name: the order of holders depends on when garbage was collected. `is_fine(holder,
    held)` gets the object that is held, because a function that kept it would hold it, too; so would a comprehension
    here.
    """
    kinds = []
    for holder in gc.get_referrers(held):
        if not is_fine(holder, held):
            kinds.append(type(holder).__name__)
    return min(kinds, default=None)


def _is_of_enum(holder, cls, member) -> bool:
    if isinstance(holder, (type, types.FrameType, list)):
        return True
    if holder is cls.__dict__.get("_member_map_") or holder is cls.__dict__.get("_value2member_map_"):
        return True
    if isinstance(holder, dict):
        return holder.get("__objclass__") is cls or (member.name in holder and holder.get("__module__") is not None)
    # Python 3.11 and 3.12 keep a property of the enum for each member.
    return isinstance(holder, enum.property) if hasattr(enum, "property") else False
