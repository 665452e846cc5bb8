"""An app whose values hide what they are made of: from the eye, and from a comparison that follows references."""

import enum
import re
import uuid
from typing import Any

import fal
from pydantic import BaseModel, ConfigDict


class Tag(str):
    def loud(self):
        return self.upper() + "!"


TAG = Tag("tag")
TAG.weight = 1


class Color(str, enum.Enum):
    RED = "red"

    def shown(self):
        return "color " + self.value


class Level(enum.IntEnum):
    LOW = 1

    @property
    def label(self):
        return "low"


COLOR = Color.RED
LEVELS = [Level.LOW]
MATCH = re.compile("a+").match
LOOK_UP = {"key": 1}.get
JOIN = ", ".join
LARGE = list(range(1000))
LARGE_TABLE = {number: str(number) for number in LARGE}
LARGE_SET = set(LARGE)
LARGE_ROWS = [[number, {"text": (number, "row")}] for number in LARGE]
LARGE_TEXT = "text" * 1000 + "end"
LARGE_BYTES = b"bytes" * 1000 + b"end"
PART = ["part"]
HOLDING_PART = [PART, *([number] for number in LARGE)]
SHARED = [1]
SHARING = [(SHARED,), *((SHARED,) for _ in LARGE)]
KNOWN = {("a", 1), ("b", 2)}


class Kind(enum.Enum):
    ONE = 1
    TWO = 2


class Size(enum.Enum):
    SMALL = (1, 2)
    TINY = (1, 2)


BY_KIND = {}
BY_PARTS = {}


def register(registry, *key):
    def add(function):
        registry[key if len(key) > 1 else key[0]] = function
        return function

    return add


@register(BY_KIND, Kind.ONE)
def _one():
    return "first kind"


@register(BY_KIND, Kind.TWO)
def _two():
    return "second kind"


@register(BY_PARTS, "long" * 100 + "a", 1)
@register(BY_PARTS, "long" * 100 + "a")
def _three():
    return "first parts"


@register(BY_PARTS, "long" * 100 + "b", 2)
@register(BY_PARTS, "long" * 100 + "b")
def _four():
    return "second parts"


class Documented:
    """Of a class."""


def search():
    """Finds."""


TOOLS = [search]


class Money:
    def __init__(self, amount):
        self.amount = amount


def encode(money):
    return f"{money.amount} EUR"


class Bill(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True, json_encoders={Money: encode})
    money: Money


try:
    import nothing_there  # noqa: F401
except ImportError:

    def made():
        return uuid.uuid4().hex + "-in a branch"


MADE = made()
STATE = {}


def configure():
    STATE["made"] = uuid.uuid4().hex + "-in a call"


configure()


def calm():
    return "calm"


def eager():
    return "eager"


class Small:
    def show(self):
        return "small"


class Tall:
    def show(self):
        return "tall"


CURRENT = calm
SHOWN = {"kind": Small}


class Demo(fal.App, keep_alive=100):
    machine_type = "S"

    def setup(self):
        self.docs = [tool.__doc__ for tool in TOOLS]
        self.text = "{0.size}".format(self)

    @property
    def size(self):
        return "one size"

    def described(self):
        def inner():
            """Within."""

        return [inner.__doc__, Documented.__doc__]

    @fal.endpoint("/shown")
    def shown(self) -> Any:
        global CURRENT
        CURRENT = eager
        SHOWN["kind"] = Tall
        PART[0] = "changed"
        SHARED[0] = "changed"
        return "switched"

    @fal.endpoint("/")
    def main(self) -> Any:
        return {
            "tag": [TAG.loud(), TAG.weight],
            "enums": [COLOR.shown(), LEVELS[0].label],
            "sizes": [[name, size.value] for name, size in Size.__members__.items()],
            "methods": [MATCH("aab").end(), LOOK_UP("key"), JOIN(["x", "y"])],
            "known": sorted(KNOWN),
            "large": [sum(LARGE), len("".join(LARGE_TABLE.values())), len(LARGE_SET)],
            "rows": [LARGE_ROWS[7], LARGE_TEXT[-3:], LARGE_BYTES[-3:].decode()],
            "parts": [HOLDING_PART[0], SHARING[0]],
            "registries": [[function() for function in them.values()] for them in (BY_KIND, BY_PARTS)],
            "text": self.text,
            "docs": [self.described(), self.docs],
            "current": [CURRENT(), SHOWN["kind"]().show()],
            "bill": Bill(money=Money(3)).model_dump_json(),
            "made": [MADE[32:], STATE["made"][32:]],
        }
