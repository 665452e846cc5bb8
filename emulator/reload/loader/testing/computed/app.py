"""An app whose setup() calls methods by names that it computes."""

import operator
from typing import Any

import fal


class Demo(fal.App, keep_alive=100):
    machine_type = "S"

    def setup(self):
        self.found = [operator.methodcaller(name)(self) for name in "load_a load_b".split()]

    def load_a(self):
        return "loaded a"

    def load_b(self):
        return "loaded b"

    @fal.endpoint("/")
    def main(self) -> Any:
        return self.found
