"""The loader of `minifal run --watch` (main.py)."""
