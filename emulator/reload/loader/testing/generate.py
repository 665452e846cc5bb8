"""Random apps, and random edits of them. An app is a list of parts, each a text; the same seed gives the same apps."""

from __future__ import annotations

import random

import texts


class App:
    """`render` gives the files. `edit` changes one thing, of `kinds` unless they are empty, and returns its kind."""

    def __init__(self, seed: int, kinds: tuple[str, ...] = ()):
        self.random = random.Random(seed)
        self._kinds = kinds
        self._count = 0
        pick = self.random
        self.has_models = pick.random() < 0.4
        """Whether pydantic has a part in it: most of the time of an edit is then its."""
        self.helpers = [
            {
                "name": f"helper_{number}",
                "tag": self._tag(),
                "default": pick.randint(0, 9),
                "calls": [other for other in range(number + 1, 6) if pick.random() < 0.3],
                "wrapper": pick.choice(["", "", "cache", "cache_sized", "wrapped", "closure"]),
                "constants": pick.sample(range(5), pick.randint(0, 2)),
                "comment": "",
                "doc": "",
            }
            for number in range(6)
        ]
        self.constants = [pick.choice([self._tag, self._number, self._list, self._dict])() for _ in range(5)]
        self.wrapper_tag = self._tag()
        self.closure_tag = self._tag()
        self.other_closure_tag = pick.choice(["", self._tag()])
        """Of a second function with the same code; empty: it is the first one."""
        self.plain = {"tag": self._tag(), "init": self._number(), "extra": [], "slots": pick.random() < 0.2}
        self.data = {"fields": [("size", self._number())], "tag": self._tag()}
        self.enum = {"members": [("FAST", 1), ("SLOW", 2)], "tag": self._tag()}
        self.input = {"fields": [("text", "'cat'")], "validator": pick.choice(["strip()", "upper()", ""])}
        self.output = {"fields": [], "nested": pick.random() < 0.5, "description": self._tag()}
        self.module = {"tag": self._tag(), "constant": self._tag()}
        self.alias = pick.randint(0, 5)
        self.table = [pick.randint(0, 5) for _ in range(2)]
        self.attribute, self.property_tag, self.class_tag = self._tag(), self._tag(), self._tag()
        self.static_default = self._number()
        self.keep_alive = 60
        self.setup = pick.sample(
            ["h0", "h3", "h5", "c0", "c1", "plain", "data", "enum", "module", "table", "closure"], pick.randint(0, 3)
        )
        self.setup_tag = self._tag()
        everything = [*(f"h{n}" for n in range(6)), *(f"c{n}" for n in range(5))]
        everything += "plain data enum module constant alias table attribute property class static super".split()
        everything += ["self", "closure"]
        self.endpoints = [
            {
                "name": f"end_{number}",
                "path": "/" if number == 0 else f"/end-{number}",
                "tag": self._tag(),
                "uses": pick.sample(everything, pick.randint(2, 5)),
                "async": pick.random() < 0.3,
                "kind": self._endpoint_kind(),
                "comment": "",
                "doc": "",
            }
            for number in range(pick.randint(2, 4))
        ]
        self.mixin_tag = self._tag()
        self.bases = ""

    def _tag(self) -> str:
        self._count += 1
        return repr(f"t{self._count}")

    def _number(self) -> str:
        return str(self.random.randint(0, 99))

    def _list(self) -> str:
        return f"[{self._number()}, {self._tag()}]"

    def _dict(self) -> str:
        return f"{{'a': {self._number()}, 'b': {self._tag()}}}"

    def _endpoint_kind(self) -> str:
        return self.random.choice(["dict", "dict", "model" if self.has_models else "dict", "stream"])

    def edit(self) -> str:
        """Changes one thing, and returns what."""
        pick = self.random
        kinds = [name.removeprefix("_edit_") for name in dir(self) if name.startswith("_edit_")]
        if not self.has_models:
            kinds = [kind for kind in kinds if not kind.startswith(("input_", "output_"))]
        if self._kinds:
            kind = pick.choice([kind for kind in kinds if kind in self._kinds])
            getattr(self, f"_edit_{kind}")()
            return kind
        # Most edits of a developer are of the bodies of endpoints and helpers.
        kind = pick.choice(["endpoint_body", "helper_body", pick.choice(kinds), pick.choice(kinds), pick.choice(kinds)])
        getattr(self, f"_edit_{kind}")()
        return kind

    def _edit_endpoint_body(self):
        it = self.random.choice(self.endpoints)
        it["tag"] = self._tag()
        if self.random.random() < 0.3:
            more = self.random.choice(["h0", "h1", "h2", "c0", "c3", "plain", "enum", "static"])
            it["uses"] = [*it["uses"][1:], more]

    def _edit_endpoint_async(self):
        it = self.random.choice(self.endpoints)
        it["async"] = not it["async"]

    def _edit_endpoint_kind(self):
        self.random.choice(self.endpoints)["kind"] = self._endpoint_kind()

    def _edit_endpoint_path(self):
        it = self.random.choice(self.endpoints[1:])
        it["path"] += "x"

    def _edit_endpoint_added(self):
        self._count += 1
        name = f"end_{self._count}"
        self.endpoints.append({**self.random.choice(self.endpoints), "name": name, "path": f"/{name}"})

    def _edit_endpoint_removed(self):
        if len(self.endpoints) > 2:
            self.endpoints.pop(self.random.randrange(1, len(self.endpoints)))

    def _edit_endpoint_doc(self):
        self.random.choice(self.endpoints)["doc"] = self._tag()

    def _edit_comment(self):
        self.random.choice([*self.endpoints, *self.helpers])["comment"] += "# a comment\n"

    def _edit_helper_body(self):
        self.random.choice(self.helpers)["tag"] = self._tag()

    def _edit_helper_default(self):
        self.random.choice(self.helpers)["default"] += 1

    def _edit_helper_calls(self):
        number = self.random.randrange(5)
        self.helpers[number]["calls"] = [self.random.randrange(number + 1, 6)]

    def _edit_helper_wrapper(self):
        it = self.random.choice(self.helpers)
        it["wrapper"] = self.random.choice(["", "cache", "cache_sized", "wrapped", "closure"])

    def _edit_helper_doc(self):
        self.random.choice(self.helpers)["doc"] = self._tag()

    def _edit_helper_renamed(self):
        self._count += 1
        self.random.choice(self.helpers)["name"] = f"renamed_{self._count}"

    def _edit_helpers_exchanged(self):
        one, other = self.random.sample(self.helpers, 2)
        one["tag"], other["tag"] = other["tag"], one["tag"]

    def _edit_constant(self):
        make = self.random.choice([self._tag, self._number, self._list, self._dict])
        self.constants[self.random.randrange(5)] = make()

    def _edit_wrapper(self):
        self.wrapper_tag = self._tag()

    def _edit_closure(self):
        self.closure_tag = self._tag()

    def _edit_closure_shared(self):
        self.other_closure_tag = "" if self.other_closure_tag else self._tag()

    def _edit_plain_method(self):
        self.plain["tag"] = self._tag()

    def _edit_plain_init(self):
        self.plain["init"] = self._number()

    def _edit_plain_more(self):
        self._count += 1
        self.plain["extra"].append((f"more_{self._count}", self._tag()))

    def _edit_data_field(self):
        self._count += 1
        self.data["fields"].append((f"field_{self._count}", self._number()))

    def _edit_data_default(self):
        self.data["fields"][0] = ("size", self._number())

    def _edit_data_method(self):
        self.data["tag"] = self._tag()

    def _edit_enum_member(self):
        self._count += 1
        self.enum["members"].insert(0, (f"MEMBER_{self._count}", self._count + 100))

    def _edit_enum_method(self):
        self.enum["tag"] = self._tag()

    def _edit_input_field(self):
        self._count += 1
        self.input["fields"].append((f"field_{self._count}", self._number()))

    def _edit_input_default(self):
        self.input["fields"][0] = ("text", self._tag())

    def _edit_input_validator(self):
        self.input["validator"] = self.random.choice(["strip()", "upper()", "lower()", "title()", ""])

    def _edit_output_field(self):
        self._count += 1
        self.output["fields"].append((f"field_{self._count}", self._number()))

    def _edit_output_nested(self):
        self.output["nested"] = not self.output["nested"]

    def _edit_output_description(self):
        self.output["description"] = self._tag()

    def _edit_module_function(self):
        self.module["tag"] = self._tag()

    def _edit_module_constant(self):
        self.module["constant"] = self._tag()

    def _edit_alias(self):
        self.alias = self.random.randrange(6)

    def _edit_table(self):
        self.table = [self.random.randrange(6) for _ in range(2)]

    def _edit_attribute(self):
        self.attribute = self._tag()

    def _edit_property(self):
        self.property_tag = self._tag()

    def _edit_class_method(self):
        self.class_tag = self._tag()

    def _edit_static_default(self):
        self.static_default = self._number()

    def _edit_mixin(self):
        self.mixin_tag = self._tag()

    def _edit_base(self):
        self.bases = "" if self.bases else "Other, "

    def _edit_setup(self):
        self.setup_tag = self._tag()

    def _edit_setup_uses(self):
        self.setup = self.random.sample(["h0", "h3", "h5", "c0", "c1", "plain", "data", "enum"], 2)

    def _edit_keep_alive(self):
        self.keep_alive += 1

    def render(self) -> dict[str, str]:
        """The texts of the files, by name."""
        return texts.render(self)

    def paths(self) -> list[str]:
        return sorted({it["path"] for it in self.endpoints} | {"/gone"})
