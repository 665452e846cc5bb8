"""
Takes the place of the `apply` that swap.py imports, in tests of everything around it: the change is a program that says
what it changes, when it refuses and what fails.
"""

from __future__ import annotations

import types

from .real_apply import Refused


class Change:
    def __init__(self):
        self.functions = []
        self.cleared = []
        self.kept = []
        self.check = lambda: None
        self._steps = []

    def affects(self, *functions):
        self.functions += functions

    def patch(self, function, source):
        """Exchanges the function's code for that of the function in the source."""
        found = [code for code in compile(source, "new", "exec").co_consts if isinstance(code, types.CodeType)]
        self.functions.append(function)
        self.set(function, "__code__", found[0])

    def set(self, owner, name, value):
        def step():
            old = getattr(owner, name)
            setattr(owner, name, value)
            return lambda: setattr(owner, name, old)

        self._steps.append(step)

    def do(self, step):
        """`step()` changes something and returns how to undo it."""
        self._steps.append(step)

    def apply(self):
        undos = []

        def undo():
            for one in reversed(undos):
                one()

        try:
            for step in self._steps:
                undos.append(step())
        except BaseException:
            undo()
            raise
        return undo


def load(function, instance, data):
    change = Change()
    cls = type(instance)
    of_app = getattr(cls, "main", load).__globals__
    exec(data.decode(), {"cls": cls, "instance": instance, "change": change, "Refused": Refused, "names": of_app})
    return change
