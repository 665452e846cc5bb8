"""An app with what tools that change live Python get wrong."""

import abc
import contextlib
import dataclasses
import functools
import textwrap
import threading
import time
from typing import Annotated, Any, Generic, NamedTuple, Optional, TypeVar, Union

import circle_a
import fal
import space.deep.part
from fal.exceptions import FieldException
from fastapi.responses import StreamingResponse
from pack import Shape, join
from pack.kinds import Kind, Level
from pack.shapes import Point
from pydantic import BaseModel, Field, computed_field, model_validator
from space.deep import part as part_again
from typing_extensions import TypedDict

T = TypeVar("T")
RESULTS = {}
REGISTRY = {}
MODEL = None


class Config:
    limit = 3


LIMIT = Config.limit * 2


def register(name):
    def add(function):
        REGISTRY[name] = function
        return function

    return add


@register("plain")
def plain(text):
    return text + "1"


def times(count):
    def decorate(function):
        @functools.wraps(function)
        def inner(*arguments):
            return function(*arguments) * count

        return inner

    return decorate


@times(2)
def twice(text):
    return text + "2"


def counting():
    count = 0

    def step():
        nonlocal count
        count += 1
        return "counted"

    return step


STEP = counting()
PARTIAL = functools.partial(plain, "p")


def kind_of(value):
    return KINDS.get(type(value), kind_of_other)(value)


def kind_of_other(value):
    return "other"


def kind_of_int(value):
    return "int"


KINDS = {int: kind_of_int}


@functools.cache
def cached(text):
    return plain(text) + "3"


@contextlib.contextmanager
def scope(name):
    yield f"<{name}>"


def generated():
    yield "first"
    yield "second"


class Positive:
    """A descriptor."""

    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, owner, cls=None):
        return self if owner is None else abs(getattr(owner, "_value", -1))

    def __set__(self, owner, value):
        owner._value = value


class Registered:
    classes = []

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        Registered.classes.append(cls.__name__)


class One(Registered):
    value = Positive()

    def __init__(self):
        self.value = -5


class Base(abc.ABC):
    @abc.abstractmethod
    def run(self): ...


class Child(Base):
    def run(self):
        return "child"

    def __call__(self):
        return "called"

    def __getattr__(self, name):
        return f"no {name}"


class Meta(type):
    def __getitem__(cls, key):
        return f"{cls.__name__}[{key}]"


class WithMeta(metaclass=Meta):
    __slots__ = ("a",)


def settable(thing, *names):
    found = []
    for name in names:
        with contextlib.suppress(AttributeError):
            setattr(thing, name, 1)
            found.append(name)
    return found


class Box(Generic[T]):
    def __init__(self, content: T):
        self.content = content

    def get(self) -> T:
        return self.content


class Pair(NamedTuple):
    left: int = 1
    right: int = 2

    def total(self):
        return self.left + self.right


class Options(TypedDict, total=False):
    depth: int


@dataclasses.dataclass
class Part:
    name: str = "n"
    tags: list = dataclasses.field(default_factory=list)
    extra: dataclasses.InitVar[int] = 1

    def __post_init__(self, extra):
        self.made = self.name + str(extra)


class Inner(BaseModel):
    word: str = "w"


class Wide(Inner):
    size: int = 1


class Input(BaseModel):
    text: Annotated[str, Field(max_length=20)] = "cat"
    inner: Optional[Inner] = None
    either: Union[int, str] = 3
    level: Level = Level.LOW

    @model_validator(mode="after")
    def check(self):
        self.text = self.text + "!"
        return self

    @computed_field
    @property
    def long(self) -> int:
        return len(self.text)


class Held(BaseModel):
    seconds: float = 0


class Output(BaseModel):
    found: list[Any]
    wide: Wide = Wide()


def my_dedent(text):
    return "patched " + text


def prepare():
    return {"weights": 1}


class Mixed:
    def mixed(self):
        return "mixed"


class Demo(Mixed, fal.App, keep_alive=100):
    machine_type = "S"
    local_python_modules = ["space", "circle_a", "circle_b", "pack"]
    limit = LIMIT

    def setup(self):
        global MODEL
        MODEL = prepare()
        self.shape = Shape("s")
        self.child = Child()
        textwrap.dedent = my_dedent
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.watch, name="watch", daemon=True)
        self.thread.start()

    def watch(self):
        self.stop.wait()

    @property
    def level(self):
        return Level.HIGH.name

    @level.setter
    def level(self, value):
        raise AttributeError(value)

    @fal.endpoint("/")
    def main(self, input: Input) -> Output:
        with scope("s") as name:
            found = [name, plain("x"), twice("x"), STEP(), PARTIAL(), kind_of(1), kind_of(""), cached("k")]
        found += [space.deep.part.say("q"), part_again.say("r"), circle_a.first("t"), join("a", "b")]
        found += [Kind.ONE.value, Kind.TWO.name, Level.LOW + 1, Point().sum(), Point(1) < Point(2), repr(Point())]
        return Output(found=[*found, input.model_dump(mode="json")])

    @fal.endpoint("/shown")
    def shown(self) -> dict:
        return {
            "shape": [self.shape.show(), isinstance(self.shape, Shape), type(self.shape) is Shape],
            "child": [self.child.run(), self.child(), self.child.missing, isinstance(self.child, Base)],
            "one": [One().value, Registered.classes],
            "meta": [WithMeta["k"], WithMeta.__slots__, settable(WithMeta(), "a", "b")],
            "box": Box(3).get(),
            "pair": [Pair().total(), Pair()._asdict()],
            "part": repr(Part()) + Part().made,
            "limits": [LIMIT, self.limit, Config.limit],
            "registry": {name: function("r") for name, function in REGISTRY.items()},
            "model": [MODEL, [one.name for one in threading.enumerate()].count("watch")],
            "dedent": textwrap.dedent("d"),
            "level": [self.level, self.mixed()],
            "wide": Wide(size=4).model_dump(),
        }

    @fal.endpoint("/options")
    def options(self, options: Options) -> dict:
        return dict(options)

    @fal.endpoint("/fail")
    def fail(self, input: Input) -> dict:
        raise FieldException("text", f"wrong: {input.text}")

    @fal.endpoint("/held")
    def held(self, held: Held) -> list[str]:
        parts = generated()
        with scope("first") as name:
            found = [name, next(parts)]
            time.sleep(held.seconds)
        with scope("then") as name:
            return [*found, name, *parts]

    @fal.endpoint("/stream")
    def stream(self) -> StreamingResponse:
        return StreamingResponse(generated(), media_type="text/plain")

    def teardown(self):
        self.stop.set()
        print("bye")
