"""
Decides what a save needs: a pure function of two descriptions. Never says "swap" where a restart could answer
differently; what no comparison of code can see (values that a request stored) is named in `kept`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .compare import VALUES, Comparison, Difference, Pair

RESTARTED = (
    "application_name",
    "auth_mode",
    "data_mounts",
    "entrypoint",
    "env_id",
    "environment_name",
    "fetch_openapi",
    "files",
    "function",
    "health_check_config",
    "machine_requirements.base_image",
    "machine_requirements.exposed_port",
    "machine_requirements.machine_type",
    "machine_requirements.machine_types",
    "machine_requirements.metrics_port",
    "machine_requirements.num_gpus",
    "machine_requirements.scheduler",
    "machine_requirements.scheduler_options",
    "machine_requirements.valid_regions",
    "run_on_main_thread",
    "secrets",
    "setup_func",
    "volumes",
)
SETTINGS = (
    "machine_requirements.concurrency_buffer",
    "machine_requirements.concurrency_buffer_perc",
    "machine_requirements.keep_alive",
    "machine_requirements.max_concurrency",
    "machine_requirements.max_multiplexing",
    "machine_requirements.min_concurrency",
    "machine_requirements.request_start_timeout",
    "machine_requirements.request_timeout",
    "machine_requirements.scaling_delay_seconds",
    "machine_requirements.startup_timeout",
)
"""Options that the emulator applies to a runner that is up."""
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
DYNAMIC = frozenset(
    "globals vars eval exec __import__ import_module getattr locals attrgetter getmembers __subclasses__ __dict__ dir"
    " __globals__ modules".split()
)
"""Names with which code can reach what it doesn't name."""
_MOST_LISTED = 20


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
    ignored: list[str] = field(default_factory=list)

    @property
    def reason(self) -> dict:
        return {"code": self.code, "text": self.text, "trail": self.trail, "remedy": self.remedy}


def judge(old: dict, new: dict, volatile: list[str]) -> Judgement:
    """`volatile`: keys of what differs between two imports of the same files (`volatile_of`)."""
    options = _options(old["registration"], new["registration"])
    if options is not None:
        return options
    if (old["python"], old["sdk"]) != (new["python"], new["sdk"]):
        return Judgement("restart", "sdk", "The SDK or Python changed")
    if old["graph"] is None or new["graph"] is None:
        same = old["sources"] == new["sources"]
        if same:
            return Judgement("same", "same", "Nothing changed")
        return Judgement("restart", "not_described", "The app is an entry point, whose code is imported in the runner")
    comparison = Comparison(old["graph"], new["graph"])
    ignored = _ignore(comparison, old, new, set(volatile))
    settings = [name for name in SETTINGS if old["registration"].get(name) != new["registration"].get(name)]
    result = _Judging(comparison, set(volatile)).judge()
    result.comparison, result.ignored = comparison, ignored
    if result.verdict == "same" and settings:
        result.verdict, result.code, result.text = "registration", "settings", f"{_option(settings[0])} changed"
    result.changed += [{"path": _option(name), "what": "option"} for name in settings]
    return result


def volatile_of(old: dict, new: dict) -> list[str]:
    """Keys of all that differs; the two are imports of the same files."""
    if old["graph"] is None or new["graph"] is None:
        return []
    comparison = Comparison(old["graph"], new["graph"])
    found = []
    for pair in comparison.pairs:
        found += [_key(pair, name) for name in pair.facts]
        found += [_key(pair, it.label) for it in pair.differences]
    return found


def _options(old: dict, new: dict) -> Judgement | None:
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    changed = [{"path": _option(name), "what": "option"} for name in names]
    if "environments" in names:
        return Judgement("rebuild", "environment", "The environment (requirements or Python) changed", changed=changed)
    for name in names:
        # Options of later releases aren't known: the careful way.
        if name not in SETTINGS and name not in ("build_environment",):
            return Judgement("restart", "option", f"The option {_option(name)} changed", changed=changed)
    return None


def _option(name: str) -> str:
    return name.rpartition(".")[2]


def _key(pair: Pair, label: str) -> str:
    return f"{pair.path!r} {pair.name} {label}"


def _ignore(comparison: Comparison, old: dict, new: dict, volatile: set[str]) -> list[str]:
    """
    Takes out differences that each import makes, such as a random id, as long as the statements that make the value are
    the same.
    """
    if not volatile:
        return []
    ignored: list[str] = []
    spaces = {repr(pair.path): pair.name for pair in comparison.pairs if pair.kind == "namespace"}

    def is_ignored(pair: Pair, label: str) -> bool:
        key = _key(pair, label)
        if key not in volatile:
            return False
        module, name = _binding(pair, label, spaces)
        before, after = (it["slices"].get(module, {}).get(name) for it in (old, new))
        if before is None or before != after:
            return False
        ignored.append(key)
        return True

    for pair in comparison.pairs:
        pair.facts = [name for name in pair.facts if not is_ignored(pair, name)]
        pair.differences = [it for it in pair.differences if not is_ignored(pair, it.label)]
    return ignored


def _binding(pair: Pair, label: str, spaces: dict[str, str]) -> tuple[str, str]:
    """Module and name of the module-level value in which the difference is."""
    if pair.kind == "namespace":
        return pair.name, label
    path = pair.path or []
    for at in range(len(path) - 1, -1, -1):
        if path[at][0] == "n":
            return spaces.get(repr(path[:at]), ""), str(path[at][1])
    return pair.new.get("module", ""), pair.name.partition(".")[0]


class _Judging:
    def __init__(self, comparison: Comparison, volatile: set[str] = frozenset()):
        self.comparison = comparison
        self._volatile = volatile
        self._names = {repr(it.path): it.name for it in comparison.pairs if it.kind in ("function", "class")}
        self.members: dict[str, list[tuple[Pair, Pair | Difference]]] = {}
        """By name: what classes of the project have under it."""
        for pair in comparison.pairs:
            if pair.kind == "class":
                for label, _, target in pair.edges:
                    if label.startswith("."):
                        self.members.setdefault(label[1:], []).append((pair, target))
                for it in pair.differences:
                    if it.label.startswith("."):
                        self.members.setdefault(it.label[1:], []).append((pair, it))

    def judge(self) -> Judgement:
        changed = [pair for pair in self.comparison.pairs if pair.facts or pair.differences]
        listed = [entry for pair in changed for entry in _entries(pair, self._names)][:_MOST_LISTED]
        reached, star = self._reach()
        # What differs in each import is the reason only if there is no other.
        places = [place for place, _ in reached.values() if self._unsound(place) is not None]
        if places:
            place = min(places, key=self._is_volatile)
            what, trail = self._unsound(place), _trail(place, reached)
            return Judgement(
                "restart",
                "setup_reaches",
                f"setup() reaches {what}, which changed" if len(trail) > 1 else f"{what} changed",
                trail,
                f"Edits of {what} are swapped if only endpoints use it" if len(trail) > 1 else None,
                listed,
                reached=len(reached),
            )
        if star is not None and changed:
            return Judgement(
                "restart",
                "dynamic",
                f"{star.name} looks names up at run time, and {changed[0].name} changed",
                [star.name],
                f"Name what {star.name} uses instead of looking it up",
                listed,
            )
        for pair in changed:
            text = _never_in_place(pair)
            if text is not None:
                return Judgement("restart", "shape", text, [pair.name], None, listed)
        if changed:
            first = listed[0]
            judgement = Judgement("swap", "swap", f"{first['path']} changed", changed=listed, reached=len(reached))
        elif any(pair.moved and pair.kind == "function" for pair in self.comparison.pairs):
            judgement = Judgement("swap", "lines", "Only lines or docstrings changed", reached=len(reached))
        else:
            return Judgement("same", "same", "Nothing changed")
        judgement.kept = self._kept(reached)
        return judgement

    def _is_volatile(self, place) -> bool:
        if isinstance(place, Difference):
            holders = [pair for pair in self.comparison.pairs if any(it is place for it in pair.differences)]
            return all(_key(pair, place.label) in self._volatile for pair in holders)
        keys = [*place.facts, *(it.label for it in place.differences)]
        return bool(keys) and all(_key(place, key) in self._volatile for key in keys)

    # What setup() reaches

    def _reach(self) -> tuple[dict[int, tuple[object, object]], Pair | None]:
        todo: list[tuple[object, object]] = []
        apps = self._app_classes()
        for name in BEFORE_SERVING:
            todo += [(target, None) for owner, target in self.members.get(name, ()) if id(owner) in apps]
        for name, entries in self.members.items():
            for target in (target for owner, target in entries if id(owner) in apps):
                is_special = name.startswith("__") and name.endswith("__")
                # The SDK reads each property before setup() (inspect.getmembers).
                if is_special or (isinstance(target, Pair) and target.kind == "property" and self._stores(target)):
                    todo.append((target, None))
        for pair in self.comparison.pairs:
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
            todo += [(it, target) for it in self._next(target)]
        return found, star

    def _app_classes(self) -> set[int]:
        """Identities of the app's class and of the project's classes that it inherits from."""
        todo = [pair for pair in self.comparison.pairs if pair.kind == "class" and pair.new["app"]]
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
            todo += self._next(it)
        return False

    def _next(self, pair: Pair):
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
                yield from (target for _, target in self.members.get(name, ()))

    def _follows_member(self, pair: Pair, label: str) -> bool:
        """Members of plain classes are followed where code names them; a library may call those of its subclasses."""
        if not label.startswith("."):
            return True
        name = label[1:]
        if name.startswith("__") and name.endswith("__"):
            return True
        return pair.new["foreign"] and not pair.new["app"]

    def _unsound(self, target) -> str | None:
        """The name of what changed at this reached place."""
        if isinstance(target, Difference):
            return target.label.lstrip(".").removeprefix("closure ")
        if target.kind == "namespace":
            return None
        if target.kind == "class":
            # Differences of its members are places of their own.
            return target.name if target.facts else None
        if target.facts or target.differences:
            return _place(target, self._names)
        return None

    def _kept(self, reached) -> list[str]:
        """Names that requests set with code that changed, or that reaches a change; a swap leaves their values."""
        touched = affected(self.comparison)
        found: list[str] = []
        for pair in self.comparison.pairs:
            if pair.kind == "function" and id(pair) in touched and id(pair) not in reached:
                for name in pair.old.get("stores", ()):
                    text = "self" + name if name.startswith(".") else name
                    if text not in found:
                        found.append(text)
        return found[:_MOST_LISTED]


def affected(comparison: Comparison) -> set[int]:
    """Identities of pairs from which something that changed can be reached."""
    back: dict[int, list[Pair]] = {}
    judging = _Judging(comparison)
    todo: list[Pair] = []
    for pair in comparison.pairs:
        if pair.facts or pair.differences:
            todo.append(pair)
        for _, _, target in pair.edges:
            if target.kind != "namespace":
                back.setdefault(id(target), []).append(pair)
        for target in judging._next(pair):
            if isinstance(target, Difference):
                if pair not in todo:
                    todo.append(pair)
            else:
                back.setdefault(id(target), []).append(pair)
    found: set[int] = set()
    while todo:
        pair = todo.pop()
        if id(pair) not in found:
            found.add(id(pair))
            if pair.kind != "namespace":
                todo += back.get(id(pair), ())
    return found


def _entries(pair: Pair, names: dict[str, str]) -> list[dict]:
    """What changed at this place, in words of the developer's code."""
    name = _place(pair, names)
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


def _place(pair: Pair, names: dict[str, str]) -> str:
    """The name of a function or class; of a value, the name under which it is found. `names`: of places, by path."""
    if pair.kind not in VALUES and pair.kind != "dict":
        return pair.name
    path = pair.path or []
    for at in range(len(path) - 1, -1, -1):
        kind = path[at][0]
        if kind == "n":
            return str(path[at][1])
        if kind in ("d", "c", "D", "K", "A", "F", "a"):
            owner = names.get(repr(path[:at]), "")
            return f"{owner}.{path[at][1]}" if kind == "d" else owner
    return pair.name


def _trail(target, reached) -> list[str]:
    found: list[str] = []
    while target is not None:
        name = target.label.lstrip(".") if isinstance(target, Difference) else target.name
        if not found or found[-1] != name:
            found.append(str(name))
        target = reached[id(target)][1]
    return found[:_MOST_LISTED]


def _never_in_place(pair: Pair) -> str | None:
    """A change that no live object can take."""
    if pair.kind == "module" and "source" in pair.facts:
        return f"Code of {pair.name} outside of functions changed, and runners import that file"
    if pair.kind == "module" and "by value" in pair.facts:
        return f"{pair.name} travels in another way"
    if pair.kind == "class":
        for name in ("bases", "slots", "tuple fields"):
            if name in pair.facts:
                return f"{pair.name} has other {name}"
        if pair.new["opaque"] and (pair.facts or pair.differences):
            return f"{pair.name} is validated by code that can't be changed in place"
        if any(it.label == "metaclass" or it.label.startswith("base ") for it in pair.differences):
            return f"{pair.name} has other bases"
    return None
