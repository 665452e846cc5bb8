"""The files of a random app (generate.py)."""

from __future__ import annotations

_DECORATORS = {
    "cache": "@functools.lru_cache",
    "cache_sized": "@functools.lru_cache(maxsize=7)",
    "wrapped": "@wrapped",
}


def _use(app, what: str) -> str:
    if what[0] in "hc" and what[1:].isdigit():
        number = int(what[1:])
        return f"{app.helpers[number]['name']}('x')" if what[0] == "h" else f"CONSTANT_{number}"
    more = "".join(f" + Plain().{name}()" for name, _ in app.plain["extra"][-1:])
    return {
        "plain": "Plain().show() + Plain.kind()" + more,
        "data": "(Data().area(), repr(Data()), dataclasses.asdict(Data()))",
        "enum": "(Mode.FAST.name, Mode.FAST.value, Mode.SLOW.words())",
        "module": "mod.join('m')",
        "constant": "(mod.SEPARATOR, join2('q'))",
        "alias": "PICKED('p') + PICKED.__name__",
        "table": "TABLE['a']('1') + TABLE['b']('2')",
        "closure": "MADE('c') + SECOND('s')",
        "attribute": "self.label",
        "property": "self.title",
        "class": "self.make()",
        "static": "self.plus(1)",
        "super": "self.describe()",
        "self": "self.kept",
    }[what]


def render(app) -> dict[str, str]:
    """The texts of the files, by name."""
    lines = [*_types(app), *_helpers(app), *(_models(app) if app.has_models else ()), *_class(app)]
    for it in app.endpoints:
        lines += _endpoint(app, it)
    module = [
        f"SEPARATOR = {app.module['constant']}",
        "def join(x):",
        f"    return x + SEPARATOR + {app.module['tag']}",
    ]
    return {"app.py": "\n".join(lines) + "\n", "mod.py": "\n".join(module) + "\n"}


def _types(app) -> list[str]:
    lines = [
        "import dataclasses",
        "import enum",
        "import functools",
        "import fal",
        "import mod",
        "from fastapi.responses import StreamingResponse",
        "from mod import join as join2",
        *(["from pydantic import BaseModel, Field, field_validator"] if app.has_models else []),
        "",
        *(f"CONSTANT_{number} = {value}" for number, value in enumerate(app.constants)),
        "",
        "class Mode(enum.Enum):",
        *(f"    {name} = {value}" for name, value in app.enum["members"]),
        "    def words(self):",
        f"        return {app.enum['tag']} + self.name",
        "",
        "@dataclasses.dataclass",
        "class Data:",
        *(f"    {name}: int = {value}" for name, value in app.data["fields"]),
        "    def area(self):",
        f"        return {app.data['tag']} + str(self.size)",
        "",
        "class Plain:",
        *(["    __slots__ = ('n',)"] if app.plain["slots"] else []),
        "    def __init__(self):",
        f"        self.n = {app.plain['init']}",
        "    def show(self):",
        f"        return {app.plain['tag']} + str(self.n)",
        "    @classmethod",
        "    def kind(cls):",
        "        return cls.__name__",
    ]
    for name, tag in app.plain["extra"]:
        lines += [f"    def {name}(self):", f"        return {tag}"]
    return lines


def _helpers(app) -> list[str]:
    lines = [
        "",
        "def wrapped(function):",
        "    @functools.wraps(function)",
        "    def inner(*arguments):",
        f"        return function(*arguments) + {app.wrapper_tag}",
        "    return inner",
        "",
        "def making(tag):",
        "    def made(x):",
        "        return x + tag",
        "    return made",
        "",
        f"MADE = making({app.closure_tag})",
        f"SECOND = making({app.other_closure_tag})" if app.other_closure_tag else "SECOND = MADE",
        "",
    ]
    for it in reversed(app.helpers):
        lines += [_DECORATORS[it["wrapper"]]] if it["wrapper"] in _DECORATORS else []
        lines += [f"def {it['name']}(x, y={it['default']}):"]
        lines += [f'    """{it["doc"]}"""'] if it["doc"] else []
        lines += ["    " + line for line in it["comment"].splitlines()]
        calls = "".join(f" + {app.helpers[other]['name']}(x)" for other in it["calls"])
        constants = "".join(f" + str(CONSTANT_{number})" for number in it["constants"])
        if it["wrapper"] == "closure":
            lines += ["    z = str(y)", f"    part = lambda: z + {it['tag']}"]
            lines += [f"    return x + part(){calls}{constants}"]
        else:
            lines += [f"    return x + str(y) + {it['tag']}{calls}{constants}"]
        lines += [""]
    names = [it["name"] for it in app.helpers]
    lines += [
        f"PICKED = {names[app.alias]}",
        f"TABLE = {{'a': {names[app.table[0]]}, 'b': {names[app.table[1]]}}}",
        "",
    ]
    return lines


def _models(app) -> list[str]:
    validator = f".{app.input['validator']}" if app.input["validator"] else ""
    return [
        "class Input(BaseModel):",
        *(f"    {n}: {'str' if n == 'text' else 'int'} = Field(default={v})" for n, v in app.input["fields"]),
        "    @field_validator('text')",
        "    @classmethod",
        "    def tidy(cls, value):",
        f"        return value{validator}",
        "",
        "class Inner(BaseModel):",
        f"    word: str = Field(default='w', description={app.output['description']})",
        "",
        "class Output(BaseModel):",
        "    text: str",
        *(f"    {name}: int = {value}" for name, value in app.output["fields"]),
        *(["    inner: Inner = Inner()"] if app.output["nested"] else []),
        "",
    ]


def _class(app) -> list[str]:
    return [
        "class Mixin:",
        "    def describe(self):",
        f"        return {app.mixin_tag}",
        "",
        "class Other:",
        "    pass",
        "",
        f"class Demo(Mixin, {app.bases}fal.App):",
        "    machine_type = 'S'",
        f"    keep_alive = {app.keep_alive}",
        "    local_python_modules = ['mod']",
        f"    label = {app.attribute}",
        "    def setup(self):",
        f"        self.kept = [{app.setup_tag}]",
        *(f"        self.kept.append(str({_use(app, what)}))" for what in app.setup),
        "    @property",
        "    def title(self):",
        f"        return {app.property_tag} + self.label",
        "    @classmethod",
        "    def make(cls):",
        f"        return {app.class_tag} + cls.__name__",
        "    @staticmethod",
        f"    def plus(a, b={app.static_default}):",
        "        return a + b",
        "    def describe(self):",
        "        return 'demo ' + super().describe()",
    ]


def _endpoint(app, it: dict) -> list[str]:
    returns = {"dict": " -> dict", "model": " -> Output", "stream": ""}[it["kind"]]
    takes, shows = ("input: Input", "input.model_dump()") if app.has_models else ("text: str = 'q'", "text")
    lines = [
        f"    @fal.endpoint({it['path']!r})",
        f"    {'async ' if it['async'] else ''}def {it['name']}(self, {takes}){returns}:",
        *([f'        """{it["doc"]}"""'] if it["doc"] else []),
        *("        " + line for line in it["comment"].splitlines()),
        f"        found = [{it['tag']}, {shows}]",
        *(f"        found.append({_use(app, what)})" for what in it["uses"]),
    ]
    if it["kind"] == "dict":
        return [*lines, "        return {'found': repr(found)}"]
    if it["kind"] == "model":
        return [*lines, "        return Output(text=repr(found))"]
    return [
        *lines,
        "        def stream():",
        "            for part in found:",
        "                yield repr(part)",
        "        return StreamingResponse(stream(), media_type='text/plain')",
    ]
