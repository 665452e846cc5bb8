import enum


class Kind(enum.Enum):
    ONE = "one"
    TWO = "two"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2
