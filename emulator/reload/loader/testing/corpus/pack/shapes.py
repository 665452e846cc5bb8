from __future__ import annotations

import dataclasses

from .kinds import Kind


@dataclasses.dataclass(frozen=True, order=True)
class Point:
    x: int = 1
    y: int = 2

    def sum(self) -> int:
        return self.x + self.y


class Shape:
    kind = Kind.TWO

    def __init__(self, name: str):
        self.name = name

    def show(self) -> str:
        return f"shape {self.name} {self.kind.value}"
