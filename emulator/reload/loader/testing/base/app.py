"""Demo."""
import asyncio
import dataclasses
import enum
import functools
import math
import os
import threading
import time
import uuid

import fal
import numpy as np
from fal.exceptions import FieldException
from fastapi import WebSocket
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, field_validator

import helpers
import filemod
from helpers import suffix

PREFIX = "hello"
SETUP_N = 3
STYLES = {"plain": "-", "loud": "!"}
WEIGHTS = np.arange(4.0)
COUNTER = 0
MODEL = None
SEEN = []
BOOT = uuid.uuid4().hex
LOCK = threading.Lock()


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Mode(enum.Enum):
    FAST = 1
    SLOW = 2


@dataclasses.dataclass
class Opts:
    size: int = 2

    def area(self):
        return self.size * self.size


class Net:
    def __init__(self, n):
        self.n = n
        self.color = Color.RED

    def forward(self, x):
        return f"{x}*{self.n}"


class Input(BaseModel):
    prompt: str = Field(default="cat")

    @field_validator("prompt")
    @classmethod
    def tidy(cls, v):
        return v.strip()


class Output(BaseModel):
    text: str
    extra: str = ""


def timed(fn):
    @functools.wraps(fn)
    def inner(*args, **kwargs):
        out = fn(*args, **kwargs)
        return out + "~t"
    return inner


@timed
def shout(s):
    return s.upper()


def slow_part(x):
    return f"<{x}>"


@functools.lru_cache(maxsize=10)
def cached(x):
    return "c:" + slow_part(x)


def load_model():
    time.sleep(0.01)
    return {"w": SETUP_N}


def never_used():
    return 1


def second(a):
    return a + "2"


def third():
    return "3"


def pick_a(s):
    return s + "A"


def pick_b(s):
    return s + "B"


PICK = pick_a
TABLE = {"a": pick_a, "b": pick_b}
P = Q = []


class Meta(type):
    def __call__(cls, *a):
        return super().__call__(*a)


class Made(metaclass=Meta):
    __slots__ = ("v",)

    def __init__(self):
        self.v = "m"

    def show(self):
        return self.v


class Mixin:
    def describe(self):
        return "mixin"


class Demo(Mixin, fal.App):
    machine_type = "S"
    keep_alive = 60
    local_python_modules = ["helpers"]
    app_files = ["filemod.py"]
    label = "demo"

    def setup(self):
        global MODEL
        self.loads = 1
        MODEL = load_model()
        self.net = Net(SETUP_N)
        self.id = uuid.uuid4().hex + BOOT
        self.steps = [self.first, functools.partial(second, "p")]
        self.lazy = lambda: third()
        self.stop = threading.Event()
        threading.Thread(target=self.loop, daemon=True).start()

    def loop(self):
        while not self.stop.wait(0.05):
            self.tick()

    def first(self):
        return "1"

    def tick(self):
        pass

    @property
    def heavy(self):
        if "_heavy" not in self.__dict__:
            self._heavy = "heavy1"
        return self._heavy

    @property
    def title(self):
        return PREFIX.title()

    @classmethod
    def make(cls):
        return "made by " + cls.__name__

    @staticmethod
    def plus(a, b=1):
        return a + b

    def describe(self):
        return "demo " + super().describe()

    @fal.endpoint("/")
    def main(self, input: Input) -> Output:
        global COUNTER
        COUNTER += 1
        SEEN.append(input.prompt)
        text = f"{PREFIX} {shout(input.prompt)} {self.net.forward('x')} "
        text += f"{suffix('s')} {helpers.join('a', 'b')} {filemod.wrap('f')}"
        extra = f"{STYLES['loud']} {cached('k')} {self.heavy} {self.title} {self.make()} {self.plus(1)}"
        return Output(text=text, extra=f"{extra} {self.describe()} {Opts().area()}")

    @fal.endpoint("/state")
    def state(self) -> dict:
        return {
            "counter": COUNTER,
            "seen": len(SEEN),
            "model": MODEL,
            "isnet": isinstance(self.net, Net),
            "isred": self.net.color is Color.RED,
            "mode": Mode.FAST.name,
            "w": float(WEIGHTS.sum()),
            "label": self.label,
            "steps": [s() for s in self.steps],
            "lazy": self.lazy(),
            "made": Made().show(),
            "pick": PICK("") + TABLE["a"]("") + TABLE["b"]("") + pick_a("") + pick_b(""),
            "alias": P is Q,
        }

    @fal.endpoint("/fail")
    def fail(self) -> dict:
        raise FieldException("prompt", "bad one")

    @fal.endpoint("/slow")
    async def slow(self) -> dict:
        await asyncio.sleep(0.01)
        return {"text": slow_part("late")}

    @fal.endpoint("/stream")
    def stream(self) -> StreamingResponse:
        def gen():
            for i in range(3):
                time.sleep(0.001)
                yield f"data: {slow_part(i)}\n\n"
        return StreamingResponse(gen(), media_type="text/event-stream")

    @fal.realtime("/rt")
    def rt(self, input: Input) -> Output:
        return Output(text=slow_part(input.prompt))

    def teardown(self):
        self.stop.set()
