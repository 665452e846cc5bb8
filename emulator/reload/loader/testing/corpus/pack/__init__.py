from .shapes import Shape
from .words import join

__all__ = ["Shape", "join"]
