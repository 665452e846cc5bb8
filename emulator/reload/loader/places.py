"""Names of places for people: of what changed, and of how it is reached."""

from __future__ import annotations

from .compare import VALUES, Comparison, Difference, Pair
from .reach import BEFORE_SERVING

_MOST_STEPS = 20


class Places:
    """The names in one comparison."""

    def __init__(self, comparison: Comparison):
        own = (it for it in comparison.pairs if it.kind == "class" or it.new.get("own"))
        self._names = {repr(it.path): it.name for it in own}

    def entries(self, pair: Pair) -> list[dict]:
        """What changed at this place, in words of the developer's code."""
        name = self.name(pair)
        found = [{"path": name, "what": fact} for fact in pair.facts]
        for it in pair.differences:
            if pair.kind in ("namespace", "module"):
                path = it.label.lstrip(".")
            elif it.label.startswith((".", "[")):
                path = name + it.label
            elif pair.kind in ("class", "function") and not it.label.startswith("field "):
                path = f"{name} ({it.label.strip('_')})"
            else:
                path = name
            found.append({"path": path, "what": it.what})
        return found

    def name(self, pair: Pair) -> str:
        """The name of a function or class; of a value, the name under which it is found."""
        is_own = pair.kind != "function" or pair.new["own"]
        if is_own and pair.kind not in VALUES and pair.kind != "dict":
            return pair.name
        path = pair.path or []
        for at in range(len(path) - 1, -1, -1):
            kind = path[at][0]
            if kind == "n":
                return str(path[at][1])
            if kind in ("d", "c", "D", "K", "A", "F", "a"):
                owner = self._names.get(repr(path[:at]))
                if owner is not None:
                    return f"{owner}.{path[at][1]}" if kind == "d" else owner
        return pair.name

    def unsound(self, target: Pair | Difference) -> str | None:
        """The name of what changed, if something at this place did."""
        if isinstance(target, Difference):
            return target.label.lstrip(".").removeprefix("closure ")
        if target.kind == "namespace":
            return None
        # Libraries read what tools are for. Those of the app itself are for people.
        is_read = target.has_other_doc and not _is_of_app(target)
        if target.kind == "class":
            # Differences of its members are places of their own.
            return target.name if target.facts or is_read else None
        if target.facts or target.differences or is_read:
            return self.name(target)
        return None


def _is_of_app(pair: Pair) -> bool:
    return pair.new.get("app", False) or pair.name.rpartition(".")[2] in BEFORE_SERVING


def trail(target, reached) -> list[str]:
    """The names from a reached place to the start."""
    found: list[str] = []
    while target is not None:
        name = target.label.lstrip(".") if isinstance(target, Difference) else target.name
        if not found or found[-1] != name:
            found.append(str(name))
        target = reached[id(target)][1]
    return found[:_MOST_STEPS]
