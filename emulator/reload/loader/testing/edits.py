"""Kinds of edits of base/: name, then file, old and new text of each change."""

A = "app.py"
EDITS = [
    (
        "comment and blank lines only",
        [
            (
                A,
                'PREFIX = "hello"',
                '# note\n\nPREFIX = "hello"',
            ),
        ],
    ),
    (
        "docstring of endpoint added",
        [
            (
                A,
                "def main(self, input: Input) -> Output:\n",
                'def main(self, input: Input) -> Output:\n        """New words."""\n',
            ),
        ],
    ),
    (
        "endpoint body",
        [
            (
                A,
                'text = f"{PREFIX} ',
                'text = f"NEW {PREFIX} ',
            ),
        ],
    ),
    (
        "module constant used by endpoint",
        [
            (
                A,
                'PREFIX = "hello"',
                'PREFIX = "bye"',
            ),
        ],
    ),
    (
        "module dict used by endpoint",
        [
            (
                A,
                '"loud": "!"',
                '"loud": "?"',
            ),
        ],
    ),
    (
        "numpy array constant",
        [
            (
                A,
                "np.arange(4.0)",
                "np.arange(5.0)",
            ),
        ],
    ),
    (
        "constant that setup reads",
        [
            (
                A,
                "SETUP_N = 3",
                "SETUP_N = 4",
            ),
        ],
    ),
    (
        "setup body",
        [
            (
                A,
                "self.loads = 1",
                "self.loads = 2",
            ),
        ],
    ),
    (
        "function that setup calls",
        [
            (
                A,
                'return {"w": SETUP_N}',
                'return {"w": SETUP_N + 1}',
            ),
        ],
    ),
    (
        "comment inside setup",
        [
            (
                A,
                "self.loads = 1",
                "# c\n        self.loads = 1",
            ),
        ],
    ),
    (
        "helper function body",
        [
            (
                A,
                'return f"<{x}>"',
                'return f"[{x}]"',
            ),
        ],
    ),
    (
        "decorated helper's decorator",
        [
            (
                A,
                'return out + "~t"',
                'return out + "~T"',
            ),
        ],
    ),
    (
        "decorator removed from helper",
        [
            (
                A,
                "@timed\ndef shout",
                "def shout",
            ),
        ],
    ),
    (
        "lru_cached function body",
        [
            (
                A,
                'return "c:" + slow_part(x)',
                'return "C:" + slow_part(x)',
            ),
        ],
    ),
    (
        "lru_cache size",
        [
            (
                A,
                "lru_cache(maxsize=10)",
                "lru_cache(maxsize=20)",
            ),
        ],
    ),
    (
        "value that a request stored on self",
        [
            (
                A,
                'self._heavy = "heavy1"',
                'self._heavy = "heavy2"',
            ),
        ],
    ),
    (
        "property body",
        [
            (
                A,
                "PREFIX.title()",
                'PREFIX.title() + "!"',
            ),
        ],
    ),
    (
        "property from method of other kind",
        [
            (
                A,
                "@property\n    def title(self):\n        return PREFIX.title()",
                'title = "const"',
            ),
        ],
    ),
    (
        "classmethod body",
        [
            (
                A,
                '"made by "',
                '"built by "',
            ),
        ],
    ),
    (
        "staticmethod default",
        [
            (
                A,
                "def plus(a, b=1)",
                "def plus(a, b=7)",
            ),
        ],
    ),
    (
        "super() dropped",
        [
            (
                A,
                'return "demo " + super().describe()',
                'return "demo alone"',
            ),
        ],
    ),
    (
        "super() in new position",
        [
            (
                A,
                "def tick(self):\n        pass",
                "def tick(self):\n        pass\n\n    def describe2(self):\n        return super().describe()",
            ),
            (
                A,
                "{self.describe()}",
                "{self.describe2()}",
            ),
        ],
    ),
    (
        "mixin method",
        [
            (
                A,
                'return "mixin"',
                'return "MIXIN"',
            ),
        ],
    ),
    (
        "base class added",
        [
            (
                A,
                "class Demo(Mixin, fal.App)",
                "class Other:\n    pass\n\n\nclass Demo(Mixin, Other, fal.App)",
            ),
        ],
    ),
    (
        "class attribute used by endpoint",
        [
            (
                A,
                'label = "demo"',
                'label = "DEMO"',
            ),
        ],
    ),
    (
        "class whose instance lives: method",
        [
            (
                A,
                'return f"{x}*{self.n}"',
                'return f"{x}x{self.n}"',
            ),
        ],
    ),
    (
        "class whose instance lives: __init__",
        [
            (
                A,
                "self.n = n\n",
                "self.n = n + 1\n",
            ),
        ],
    ),
    (
        "class whose instance lives: new method used",
        [
            (
                A,
                "    def forward(self, x):",
                "    def twice(self, x):\n        return self.forward(x) * 2\n\n    def forward(self, x):",
            ),
            (
                A,
                "self.net.forward('x')",
                "self.net.twice('x')",
            ),
        ],
    ),
    (
        "dataclass method",
        [
            (
                A,
                "return self.size * self.size",
                "return self.size + self.size",
            ),
        ],
    ),
    (
        "dataclass field default",
        [
            (
                A,
                "size: int = 2",
                "size: int = 5",
            ),
        ],
    ),
    (
        "dataclass field added",
        [
            (
                A,
                "size: int = 2",
                "size: int = 2\n    k: int = 3",
            ),
            (
                A,
                "return self.size * self.size",
                "return self.size * self.k",
            ),
        ],
    ),
    (
        "pydantic input field added",
        [
            (
                A,
                'prompt: str = Field(default="cat")',
                'prompt: str = Field(default="cat")\n    n: int = 4',
            ),
            (
                A,
                'text = f"{PREFIX} ',
                'text = f"{input.n} {PREFIX} ',
            ),
        ],
    ),
    (
        "pydantic input default",
        [
            (
                A,
                'Field(default="cat")',
                'Field(default="dog")',
            ),
        ],
    ),
    (
        "pydantic validator body",
        [
            (
                A,
                "return v.strip()",
                'return v.strip() + "V"',
            ),
        ],
    ),
    (
        "pydantic output field added",
        [
            (
                A,
                "text: str\n    extra",
                "text: str\n    more: int = 1\n    extra",
            ),
        ],
    ),
    (
        "enum used by endpoint only",
        [
            (
                A,
                "FAST = 1",
                "QUICK = 0\n    FAST = 1",
            ),
            (
                A,
                "Mode.FAST.name",
                "Mode.QUICK.name",
            ),
        ],
    ),
    (
        "enum held by live object",
        [
            (
                A,
                'BLUE = "blue"',
                'BLUE = "blue"\n    GREEN = "green"',
            ),
        ],
    ),
    (
        "endpoint added",
        [
            (
                A,
                '    @fal.endpoint("/fail")',
                '    @fal.endpoint("/new")\n'
                "    def brand(self, input: Input) -> Output:\n"
                '        return Output(text=slow_part("n"))\n'
                "\n"
                '    @fal.endpoint("/fail")',
            ),
        ],
    ),
    (
        "endpoint removed",
        [
            (
                A,
                '    @fal.endpoint("/fail")\n'
                "    def fail(self) -> dict:\n"
                '        raise FieldException("prompt", "bad one")\n',
                "",
            ),
        ],
    ),
    (
        "endpoint path",
        [
            (
                A,
                '@fal.endpoint("/fail")',
                '@fal.endpoint("/fail2")',
            ),
        ],
    ),
    (
        "endpoint made async",
        [
            (
                A,
                "    def state(self) -> dict",
                "    async def state(self) -> dict",
            ),
        ],
    ),
    (
        "new function and import",
        [
            (
                A,
                "import math\n",
                "import math\nimport base64\n",
            ),
            (
                A,
                "def never_used",
                "def enc(s):\n    return base64.b64encode(s.encode()).decode()\n\n\ndef never_used",
            ),
            (
                A,
                "{self.net.forward('x')}",
                "{enc('x')}",
            ),
        ],
    ),
    (
        "unused global now used",
        [
            (
                A,
                "{self.net.forward('x')}",
                "{never_used()} {math.pi:.2f}",
            ),
        ],
    ),
    (
        "local module (by value): function",
        [
            (
                "helpers.py",
                'return s + "."',
                'return s + ","',
            ),
        ],
    ),
    (
        "local module (by value): constant",
        [
            (
                "helpers.py",
                'SEP = "+"',
                'SEP = "&"',
            ),
        ],
    ),
    (
        "app file: function body",
        [
            (
                "filemod.py",
                "return MARK + s + MARK",
                "return MARK + s",
            ),
        ],
    ),
    (
        "app file: constant",
        [
            (
                "filemod.py",
                'MARK = "#"',
                'MARK = "%"',
            ),
        ],
    ),
    (
        "app file: module-level statement",
        [
            (
                "filemod.py",
                'print("filemod imported")',
                'print("filemod imported again")',
            ),
        ],
    ),
    (
        "module-level side effect in app file",
        [
            (
                A,
                'PREFIX = "hello"',
                'PREFIX = "hello"\nos.environ["X"] = "1"',
            ),
        ],
    ),
    (
        "module-level monkeypatch of own class",
        [
            (
                A,
                "class Mixin:",
                'Net.forward = lambda self, x: "patched"\n\n\nclass Mixin:',
            ),
        ],
    ),
    (
        "thread's function running",
        [
            (
                A,
                "self.tick()",
                "self.tick(); self.tick()",
            ),
        ],
    ),
    (
        "function that running thread calls",
        [
            (
                A,
                "def tick(self):\n        pass",
                "def tick(self):\n        return 1",
            ),
        ],
    ),
    (
        "counter's initial value",
        [
            (
                A,
                "COUNTER = 0",
                "COUNTER = 100",
            ),
        ],
    ),
    (
        "teardown body",
        [
            (
                A,
                "self.stop.set()\n",
                'self.stop.set()\n        print("BYE2")\n',
            ),
        ],
    ),
    (
        "realtime endpoint body",
        [
            (
                A,
                "Output(text=slow_part(input.prompt))",
                'Output(text="rt:" + slow_part(input.prompt))',
            ),
        ],
    ),
    (
        "realtime to other batch option",
        [
            (
                A,
                '@fal.realtime("/rt")',
                '@fal.realtime("/rt", buffering=4)',
            ),
        ],
    ),
    (
        "streaming generator body",
        [
            (
                A,
                'yield f"data: {slow_part(i)}',
                'yield f"DATA: {slow_part(i)}',
            ),
        ],
    ),
    (
        "keep_alive",
        [
            (
                A,
                "keep_alive = 60",
                "keep_alive = 90",
            ),
        ],
    ),
    (
        "machine_type",
        [
            (
                A,
                'machine_type = "S"',
                'machine_type = "M"',
            ),
        ],
    ),
    (
        "requirement added",
        [
            (
                A,
                'machine_type = "S"',
                'machine_type = "S"\n    requirements = ["six"]',
            ),
        ],
    ),
    (
        "getattr in setup",
        [
            (
                A,
                "self.loads = 1",
                'self.loads = getattr(self, "lo" + "ads", 1)',
            ),
        ],
    ),
    (
        "syntax error",
        [
            (
                A,
                'PREFIX = "hello"',
                "PREFIX = ",
            ),
        ],
    ),
    (
        "lambda default captured in a list",
        [
            (
                A,
                "SEEN = []",
                'SEEN = []\nHOOKS = [lambda s: s + "h"]',
            ),
            (
                A,
                "{self.net.forward('x')}",
                "{HOOKS[0]('x')}",
            ),
        ],
    ),
    (
        "method kept by setup in a list",
        [
            (
                A,
                'return "1"',
                'return "one"',
            ),
        ],
    ),
    (
        "function in a partial made by setup",
        [
            (
                A,
                'return a + "2"',
                'return a + "two"',
            ),
        ],
    ),
    (
        "function in a lambda made by setup",
        [
            (
                A,
                'return "3"',
                'return "three"',
            ),
        ],
    ),
    (
        "class with metaclass and slots: method",
        [
            (
                A,
                "return self.v\n",
                'return self.v + "!"\n',
            ),
        ],
    ),
    (
        "metaclass method",
        [
            (
                A,
                "return super().__call__(*a)",
                'x = super().__call__(*a); x.v = "meta"; return x',
            ),
        ],
    ),
    (
        "slots changed",
        [
            (
                A,
                '__slots__ = ("v",)',
                '__slots__ = ("v", "w")',
            ),
        ],
    ),
    (
        "request's result cached on self, other function",
        [
            (
                A,
                "class Output(BaseModel)",
                "class Extra(BaseModel):\n    z: int = 1\n\n\nclass Output(BaseModel)",
            ),
            (
                A,
                'extra: str = ""',
                'extra: str = ""\n    more: Extra = Extra()',
            ),
        ],
    ),
    (
        "handler signature: query to body",
        [
            (
                A,
                "def fail(self) -> dict",
                "def fail(self, input: Input) -> dict",
            ),
        ],
    ),
    (
        "return annotation only",
        [
            (
                A,
                "def fail(self) -> dict",
                "def fail(self) -> Output",
            ),
        ],
    ),
    (
        "function renamed",
        [
            (
                A,
                "def slow_part(x)",
                "def slow_bit(x)",
            ),
            (
                A,
                '"c:" + slow_part(x)',
                '"c:" + slow_bit(x)',
            ),
            (
                A,
                'slow_part("late")',
                'slow_bit("late")',
            ),
            (
                A,
                "{slow_part(i)}",
                "{slow_bit(i)}",
            ),
            (
                A,
                "text=slow_part(",
                "text=slow_bit(",
            ),
        ],
    ),
    (
        "exception class raised",
        [
            (
                A,
                'raise FieldException("prompt", "bad one")',
                'raise FieldException("prompt", "worse one")',
            ),
        ],
    ),
    (
        "own health()",
        [
            (
                A,
                "    def teardown(self)",
                '    def health(self):\n        return {"version": "own"}\n\n    def teardown(self)',
            ),
        ],
    ),
    (
        "own exception handler (middleware override)",
        [
            (
                A,
                "    def teardown(self)",
                '    def provide_hints(self):\n        return ["h1"]\n\n    def teardown(self)',
            ),
        ],
    ),
    (
        "alias points to another function",
        [
            (
                A,
                "PICK = pick_a",
                "PICK = pick_b",
            ),
        ],
    ),
    (
        "table entries exchanged",
        [
            (
                A,
                '{"a": pick_a, "b": pick_b}',
                '{"a": pick_b, "b": pick_a}',
            ),
        ],
    ),
    (
        "two names for one list become two lists",
        [
            (
                A,
                "P = Q = []",
                "P = []\nQ = []",
            ),
        ],
    ),
    (
        "two functions exchange bodies",
        [
            (
                A,
                'return s + "A"',
                'return s + "TMP"',
            ),
            (
                A,
                'return s + "B"',
                'return s + "A"',
            ),
            (
                A,
                'return s + "TMP"',
                'return s + "B"',
            ),
        ],
    ),
]
