"""
Decides what a save needs: a pure function of two descriptions. Never says "swap" where a restart could answer
differently; what no comparison of code can see (values that a request stored) is named in `kept`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from . import registration, remedies
from .compare import Comparison, Difference, Pair
from .large import MOST_PARTS
from .places import Places, trail
from .reach import Reach
from .volatile import ignore, key_of

_MOST_LISTED = 20
_LONGEST = 300


@dataclass
class Judgement:
    verdict: str
    """same, swap, restart, rebuild or registration."""
    code: str
    text: str
    trail: list[str] = field(default_factory=list)
    remedy: str | None = None
    """What would make it swappable."""
    changed: list[dict] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    comparison: Comparison | None = None
    reached: int = 0
    reaches: list[str] = field(default_factory=list)
    """Of these places, the functions and classes of the project: names for people."""
    ignored: list[str] = field(default_factory=list)

    def shorten(self) -> None:
        """The emulator refuses texts that are too long. Programs make names and errors of any length."""
        self.text, self.remedy = _cut(self.text), self.remedy and _cut(self.remedy)
        self.trail, self.kept = [_cut(name) for name in self.trail], [_cut(name) for name in self.kept]
        self.reaches = [_cut(name) for name in self.reaches]
        self.changed = [{name: _cut(text) for name, text in entry.items()} for entry in self.changed]

    @property
    def reason(self) -> dict:
        return {"code": self.code, "text": self.text, "trail": self.trail, "remedy": self.remedy}


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def judge(old: dict, new: dict, volatile: list[str]) -> Judgement:
    """`volatile`: keys of what differs between two imports of the same files (`volatile_of`)."""
    options = registration.changed_options(old["registration"], new["registration"])
    listed = [{"path": registration.short(name), "what": "option"} for name in options]
    if "environments" in options:
        text = "The environment (requirements, Python or image) changed"
        return refused("rebuild", "environment", text, remedies.ENVIRONMENT, changed=listed)
    if "files" in options and registration.is_image(new["registration"]):
        text = "A file that is copied into the image changed"
        return refused("rebuild", "environment", text, remedies.ENVIRONMENT, changed=listed)
    option = registration.needs_runner(options)
    if option is not None:
        name = registration.short(option)
        return refused("restart", "option", f"The option {name} changed", remedies.option(name), changed=listed)
    if (old["python"], old["sdk"]) != (new["python"], new["sdk"]):
        return refused("restart", "sdk", "The SDK or Python changed", remedies.SDK)
    large = new["large"] or old["large"]
    if large is not None:
        text = f"{large} is too large to compare: more than {MOST_PARTS:,} objects"
        return refused("restart", "too_large", text, remedies.too_large(large))
    if old["graph"] is None or new["graph"] is None:
        same = old["sources"] == new["sources"]
        if same:
            return Judgement("same", "same", "Nothing changed")
        text = "The app is an entry point, whose code is imported in the runner"
        return refused("restart", "not_described", text, remedies.NOT_DESCRIBED)
    comparison = Comparison(old["graph"], new["graph"])
    ignored = ignore(comparison, old, new, set(volatile))
    result = _Judging(comparison, set(volatile)).judge()
    result.comparison, result.ignored = comparison, ignored
    if result.verdict == "same" and listed:
        result.verdict, result.code, result.text = "registration", "settings", f"{listed[0]['path']} changed"
    result.changed += listed
    return result


def refused(verdict: str, code: str, text: str, remedy: str, trail=(), changed=(), reached: int = 0) -> Judgement:
    """A change that needs a new runner: `text` names the first thing that made it so, `remedy` what would not."""
    return Judgement(verdict, code, text, list(trail), remedy, list(changed), reached=reached)


class _Judging:
    def __init__(self, comparison: Comparison, volatile: set[str]):
        self._pairs = comparison.pairs
        self._volatile = volatile
        self._places = Places(comparison)
        self._reach = Reach(comparison)

    def judge(self) -> Judgement:
        changed = [pair for pair in self._pairs if pair.facts or pair.differences]
        # What the SDK derives from the app's class comes last.
        changed.sort(key=lambda pair: pair.path is not None and ["c", "cls"] not in pair.path[:2])
        listed = [entry for pair in changed for entry in self._places.entries(pair)][:_MOST_LISTED]
        reached, star = self._reach.before_serving()
        # What differs in each import is the reason only if there is no other.
        places = [place for place, _ in reached.values() if self._places.unsound(place) is not None]
        if places:
            place = min(places, key=self._is_volatile)
            what, steps = self._places.unsound(place), trail(place, reached)
            text = f"setup() reaches {what}, which changed" if len(steps) > 1 else f"{what} changed"
            remedy = remedies.reached(what, steps)
            return refused("restart", "setup_reaches", text, remedy, steps, listed, len(reached))
        if star is not None and changed:
            text = f"{star.name} looks names up at run time, and {changed[0].name} changed"
            return refused("restart", "dynamic", text, remedies.dynamic(star.name), [star.name], listed)
        for pair in changed:
            found = _never_in_place(pair)
            if found is not None:
                return refused("restart", "shape", *found, [pair.name], listed)
        if changed:
            first = listed[0]
            judgement = Judgement("swap", "swap", f"{first['path']} changed", changed=listed, reached=len(reached))
        elif any(pair.moved and pair.kind in ("function", "class") for pair in self._pairs):
            judgement = Judgement("swap", "lines", "Only lines or docstrings changed", reached=len(reached))
        else:
            return Judgement("same", "same", "Nothing changed")
        judgement.kept, judgement.reaches = self._kept(reached), self._reaches(reached)
        return judgement

    def _is_volatile(self, place) -> bool:
        if isinstance(place, Difference):
            holders = [pair for pair in self._pairs if any(it is place for it in pair.differences)]
            return all(key_of(pair, place.label) in self._volatile for pair in holders)
        keys = [*place.facts, *(it.label for it in place.differences)]
        return bool(keys) and all(key_of(place, key) in self._volatile for key in keys)

    def _reaches(self, reached) -> list[str]:
        """What of the project runs before the app serves."""
        pairs = [place for place, _ in reached.values() if isinstance(place, Pair)]
        own = [it for it in pairs if it.kind == "class" or (it.kind == "function" and it.new["own"])]
        return sorted({self._places.name(it) for it in own})[:_MOST_LISTED]

    def _kept(self, reached) -> list[str]:
        """Names that requests set with code that changed, or that reaches a change; a swap leaves their values."""
        touched = self._reach.affected()
        found: list[str] = []
        for pair in self._pairs:
            if pair.kind == "function" and id(pair) in touched and id(pair) not in reached:
                for name in pair.old.get("stores", ()):
                    text = "self" + name if name.startswith(".") else name
                    if text not in found:
                        found.append(text)
        return found[:_MOST_LISTED]


def _never_in_place(pair: Pair) -> tuple[str, str] | None:
    """A change that no live object can take, and what would be one."""
    name = pair.name
    if pair.kind == "module" and "source" in pair.facts:
        text = f"Code of {name} outside of functions changed, and runners import that file"
        return text, remedies.module_code(name)
    if pair.kind == "module" and "by value" in pair.facts:
        return f"{name} travels in another way", remedies.way(name)
    if pair.kind == "class":
        for what in ("bases", "slots", "tuple fields"):
            if what in pair.facts:
                return f"{name} has other {what}", remedies.layout(name, what)
        if pair.new["opaque"] and (pair.facts or pair.differences):
            return f"{name} is validated by code that can't be changed in place", remedies.validated(name)
        if any(it.label == "metaclass" or it.label.startswith("base ") for it in pair.differences):
            return f"{name} has other bases", remedies.layout(name, "bases")
    return None
