"""What would make a refused change swappable, in a sentence without its full stop; for each reason code one way."""

from __future__ import annotations

ENVIRONMENT = "A runner starts in its environment and keeps it; edits of code alone are swapped"
SDK = "Edits are swapped while fal and Python are those that the app was started with"
NOT_DESCRIBED = "Run the app's class (minifal run app.py::App) to have its edits swapped"
FIRST_VERSION = "The next save is compared with this one, and can be swapped"
FRESH = "It was requested; saves are swapped where that equals a restart"
NOT_ADDRESSABLE = "Changes are made where module-level names lead: give what changes such a name"
SWAP_OFF = "Leave out --no-swap, or set minifal.hotReload to swap"


def option(name: str) -> str:
    if name in ("files", "app_files"):
        return "Runners import app files; the modules of local_python_modules travel with the app, and are swapped"
    return f"{name} is fixed when a runner starts; keep_alive, max_multiplexing and time limits apply without a restart"


def reached(what: str, trail: list[str]) -> str:
    if len(trail) > 1:
        return f"Edits of {what} are swapped if only endpoints use it"
    if what.rpartition(".")[2] == "setup":
        return "Edits of code that only endpoints use are swapped: move what you edit often out of setup()"
    return f"Edits are swapped in code that only endpoints use; {what} runs before the first request"


def dynamic(name: str) -> str:
    return f"Name what {name} uses instead of looking it up"


def module_code(name: str) -> str:
    return f"Edits of functions are swapped: move the statement into one, or add {name} to local_python_modules"


def way(name: str) -> str:
    return f"Edits of {name} are swapped while it stays in, or out of, local_python_modules"


def layout(name: str, what: str) -> str:
    return f"Objects of {name} keep the {what} that they were made with; edits of its methods are swapped"


def validated(name: str) -> str:
    return f"Edits of what the endpoints do with {name} are swapped, and those of other models"


def too_large(name: str) -> str:
    return f"Make {name} in setup(), or of numbers and texts alone: those are compared as a whole"
