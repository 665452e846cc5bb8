"""Edits of corpus/ that tools for changing live Python get wrong: name, then file, old and new text of each change."""

A = "app.py"
K = "pack/kinds.py"
S = "pack/shapes.py"
W = "pack/words.py"
EDITS = [
    (
        "field added to a dataclass",
        [
            (
                A,
                '    name: str = "n"\n',
                '    name: str = "n"\n    more: int = 4\n',
            ),
        ],
    ),
    (
        "default factory of a dataclass",
        [
            (
                A,
                "default_factory=list",
                "default_factory=lambda: [1]",
            ),
        ],
    ),
    (
        "InitVar of a dataclass",
        [
            (
                A,
                "InitVar[int] = 1",
                "InitVar[int] = 2",
            ),
        ],
    ),
    (
        "frozen dataclass in a module: field added",
        [
            (
                S,
                "    y: int = 2\n",
                "    y: int = 2\n    z: int = 3\n",
            ),
        ],
    ),
    (
        "frozen dataclass in a module: method",
        [
            (
                S,
                "return self.x + self.y",
                "return self.x * self.y + 40",
            ),
        ],
    ),
    (
        "enum of a module that isn't reloaded: value",
        [
            (
                K,
                'ONE = "one"',
                'ONE = "uno"',
            ),
        ],
    ),
    (
        "enum of a module: member that a live class attribute holds",
        [
            (
                K,
                'TWO = "two"',
                'TWO = "due"',
            ),
        ],
    ),
    (
        "IntEnum: member added",
        [
            (
                K,
                "HIGH = 2",
                "HIGH = 2\n    HIGHER = 3",
            ),
        ],
    ),
    (
        "namespace subpackage: function",
        [
            (
                "space/deep/part.py",
                'f"{WORD}:{text}"',
                'f"{WORD}={text}"',
            ),
        ],
    ),
    (
        "namespace subpackage: constant",
        [
            (
                "space/deep/part.py",
                'WORD = "deep"',
                'WORD = "deeper"',
            ),
        ],
    ),
    (
        "relative import: function",
        [
            (
                W,
                "GLUE.join(parts)",
                "GLUE.join(reversed(parts))",
            ),
        ],
    ),
    (
        "relative import: constant",
        [
            (
                W,
                'GLUE = "-"',
                'GLUE = "+"',
            ),
        ],
    ),
    (
        "relative import: another module",
        [
            (
                W,
                "kinds.Kind.ONE.value",
                "kinds.Kind.ONE.name",
            ),
        ],
    ),
    (
        "circular imports: one side",
        [
            (
                "circle_b.py",
                '"b" +',
                '"B" +',
            ),
        ],
    ),
    (
        "circular imports: both sides",
        [
            (
                "circle_a.py",
                'text + "z"',
                'text + "Z"',
            ),
            (
                "circle_b.py",
                '"b" +',
                '"B" +',
            ),
        ],
    ),
    (
        "method of a class with a live instance",
        [
            (
                S,
                'f"shape {self.name}',
                'f"SHAPE {self.name}',
            ),
        ],
    ),
    (
        "__init__ of a class with a live instance",
        [
            (
                S,
                "self.name = name",
                "self.name = name * 2",
            ),
        ],
    ),
    (
        "abstract base: method added",
        [
            (
                A,
                '        return "child"\n',
                '        return "CHILD"\n',
            ),
        ],
    ),
    (
        "__call__ of a live instance",
        [
            (
                A,
                'return "called"',
                'return "CALLED"',
            ),
        ],
    ),
    (
        "__getattr__ of a live instance",
        [
            (
                A,
                'return f"no {name}"',
                'return f"NO {name}"',
            ),
        ],
    ),
    (
        "decorator's argument",
        [
            (
                A,
                "@times(2)",
                "@times(3)",
            ),
        ],
    ),
    (
        "decorator's inner function",
        [
            (
                A,
                "function(*arguments) * count",
                "function(*arguments) * count + '.'",
            ),
        ],
    ),
    (
        "decorator added",
        [
            (
                A,
                "@times(2)\n",
                "@times(2)\n@times(2)\n",
            ),
        ],
    ),
    (
        "registered under another name",
        [
            (
                A,
                '@register("plain")',
                '@register("other")',
            ),
        ],
    ),
    (
        "function in a registry, a partial and a cache",
        [
            (
                A,
                'return text + "1"',
                'return text + "one"',
            ),
        ],
    ),
    (
        "arguments of a partial",
        [
            (
                A,
                'partial(plain, "p")',
                'partial(plain, "P")',
            ),
        ],
    ),
    (
        "closure with a counter",
        [
            (
                A,
                'return "counted"',
                'return "COUNTED"',
            ),
        ],
    ),
    (
        "initial value in a closure",
        [
            (
                A,
                "    count = 0\n\n",
                "    count = 10\n\n",
            ),
        ],
    ),
    (
        "functools.cache",
        [
            (
                A,
                'plain(text) + "3"',
                'plain(text) + "three"',
            ),
        ],
    ),
    (
        "table by types: function",
        [
            (
                A,
                'return "int"',
                'return "INT"',
            ),
        ],
    ),
    (
        "table by types: other type",
        [
            (
                A,
                "{int: kind_of_int}",
                "{str: kind_of_int}",
            ),
        ],
    ),
    (
        "context manager",
        [
            (
                A,
                'yield f"<{name}>"',
                'yield f"[{name}]"',
            ),
        ],
    ),
    (
        "generator",
        [
            (
                A,
                '    yield "second"\n',
                '    yield "SECOND"\n    yield "third"\n',
            ),
        ],
    ),
    (
        "descriptor",
        [
            (
                A,
                'abs(getattr(owner, "_value", -1))',
                'abs(getattr(owner, "_value", -1)) + 1',
            ),
        ],
    ),
    (
        "class registered by __init_subclass__",
        [
            (
                A,
                "class Base(abc.ABC)",
                "class Two(Registered):\n    pass\n\n\nclass Base(abc.ABC)",
            ),
        ],
    ),
    (
        "metaclass",
        [
            (
                A,
                "{cls.__name__}[{key}]",
                "{cls.__name__}<{key}>",
            ),
        ],
    ),
    (
        "slots",
        [
            (
                A,
                '__slots__ = ("a",)',
                '__slots__ = ("a", "b")',
            ),
        ],
    ),
    (
        "generic class",
        [
            (
                A,
                "return self.content",
                "return [self.content]",
            ),
        ],
    ),
    (
        "type variable",
        [
            (
                A,
                'T = TypeVar("T")',
                'T = TypeVar("T", bound=object)',
            ),
        ],
    ),
    (
        "named tuple: field added",
        [
            (
                A,
                "    right: int = 2\n",
                "    right: int = 2\n    third: int = 3\n",
            ),
        ],
    ),
    (
        "named tuple: default",
        [
            (
                A,
                "left: int = 1",
                "left: int = 7",
            ),
        ],
    ),
    (
        "named tuple: method",
        [
            (
                A,
                "return self.left + self.right",
                "return self.left - self.right",
            ),
        ],
    ),
    (
        "TypedDict of an endpoint",
        [
            (
                A,
                "    depth: int\n",
                "    depth: str\n",
            ),
        ],
    ),
    (
        "class attribute that is read at import",
        [
            (
                A,
                "limit = 3\n",
                "limit = 4\n",
            ),
        ],
    ),
    (
        "global that setup() makes",
        [
            (
                A,
                'return {"weights": 1}',
                'return {"weights": 2}',
            ),
        ],
    ),
    (
        "function that setup() puts into a library",
        [
            (
                A,
                '"patched " + text',
                '"Patched " + text',
            ),
        ],
    ),
    (
        "target of a running thread",
        [
            (
                A,
                "        self.stop.wait()\n",
                "        self.stop.wait(60)\n",
            ),
        ],
    ),
    (
        "property",
        [
            (
                A,
                "Level.HIGH.name",
                "Level.LOW.name",
            ),
        ],
    ),
    (
        "setter of a property",
        [
            (
                A,
                "raise AttributeError(value)",
                'raise AttributeError("read only")',
            ),
        ],
    ),
    (
        "method of a base",
        [
            (
                A,
                'return "mixed"',
                'return "MIXED"',
            ),
        ],
    ),
    (
        "FieldException",
        [
            (
                A,
                'f"wrong: {input.text}"',
                'f"bad: {input.text}"',
            ),
        ],
    ),
    (
        "another exception of the SDK",
        [
            (
                A,
                'raise FieldException("text", f"wrong: {input.text}")',
                "raise ValueError",
            ),
        ],
    ),
    (
        "pydantic: field of the input",
        [
            (
                A,
                "    either: Union[int, str] = 3\n",
                "    either: Union[int, str] = 3\n    n: int = 5\n",
            ),
        ],
    ),
    (
        "pydantic: constraint",
        [
            (
                A,
                "max_length=20",
                "max_length=2",
            ),
        ],
    ),
    (
        "pydantic: nested model",
        [
            (
                A,
                '    word: str = "w"\n',
                '    word: str = "W"\n    more: int = 3\n',
            ),
        ],
    ),
    (
        "pydantic: subclass",
        [
            (
                A,
                "size: int = 1",
                "size: float = 1.5",
            ),
        ],
    ),
    (
        "pydantic: model validator",
        [
            (
                A,
                'self.text + "!"',
                'self.text + "?"',
            ),
        ],
    ),
    (
        "pydantic: mode of a validator",
        [
            (
                A,
                '@model_validator(mode="after")\n'
                "    def check(self):\n"
                '        self.text = self.text + "!"\n'
                "        return self",
                '@model_validator(mode="before")\n'
                "    @classmethod\n"
                "    def check(cls, data):\n"
                '        return {**data, "text": "before"}',
            ),
        ],
    ),
    (
        "pydantic: computed field",
        [
            (
                A,
                "return len(self.text)",
                "return len(self.text) + 100",
            ),
        ],
    ),
    (
        "pydantic: config",
        [
            (
                A,
                "class Output(BaseModel):\n",
                'class Output(BaseModel):\n    model_config = {"title": "Other"}\n',
            ),
        ],
    ),
    (
        "streaming endpoint to another generator",
        [
            (
                A,
                "StreamingResponse(generated()",
                "StreamingResponse(iter(['x'])",
            ),
        ],
    ),
    (
        "teardown",
        [
            (
                A,
                'print("bye")',
                'print("BYE")',
            ),
        ],
    ),
    (
        "keep_alive in the class line",
        [
            (
                A,
                "keep_alive=100",
                "keep_alive=200",
            ),
        ],
    ),
]
