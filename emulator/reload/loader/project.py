"""What belongs to the developer's project, and where in it an error is."""

from __future__ import annotations

import functools
import os
import re
import sys
import sysconfig
import traceback
from importlib.machinery import SourceFileLoader

_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_PACKAGES = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_STANDARD = tuple(
    {
        resolve(path) + os.sep
        for path in (os.path.dirname(os.__file__), sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
        if path
        for resolve in (os.path.abspath, os.path.realpath)
    }
)
_MOST_FILES = 10_000
_MOST_FOLDERS = 10
_LARGEST_LINE = 10**9


def is_project(file) -> bool:
    """Whether a file is the developer's own: no library, and no part of Python or of the loader."""
    return isinstance(file, str) and file[:1] != "<" and _is_own(file)


@functools.lru_cache(maxsize=None)
def _is_own(file: str) -> bool:
    try:
        # First as it is: installers link files of packages to a cache elsewhere.
        return _is_elsewhere(os.path.abspath(file)) and _is_elsewhere(os.path.realpath(file))
    except ValueError:
        # No path: it has a zero byte.
        return False


def _is_elsewhere(path: str) -> bool:
    return not path.startswith((_OURS, *_STANDARD)) and not any(part in path for part in _PACKAGES)


_remembered: tuple[str | None, dict[str, object]] = (None, {})
"""The name of a module, and the project's modules up to it."""


def modules() -> dict[str, object]:
    """The modules of the project that are imported, by name."""
    last, before = _remembered
    after = _imported_after(last)
    found = {} if after is None else {name: it for name, it in before.items() if sys.modules.get(name) is it}
    for name, module in after if after is not None else list(sys.modules.items()):
        if name != "__main__" and is_project(getattr(module, "__file__", None)):
            found[name] = module
    return found


def remember_modules() -> None:
    """
    From now on only modules that are imported later are looked at, in this process and its forks. To look at each of a
    thousand modules copies much of the memory that a fork shares with its parent.
    """
    global _remembered
    found = modules()
    _remembered = (last_module(), found)


def last_module() -> str:
    """The name of the module that was imported last."""
    return next(reversed(sys.modules))


def _imported_after(last: str | None) -> list[tuple[str, object]] | None:
    """Modules with their names, in the order of their imports. None: nobody knows what was imported after it."""
    while True:
        found: list[tuple[str, object]] = []
        try:
            for name in reversed(sys.modules):
                if name == last:
                    return found[::-1]
                found.append((name, sys.modules.get(name)))
            return None
        except RuntimeError:
            # A thread has imported something meanwhile.
            continue


def libraries_since(before: str) -> list[str]:
    """The names of the libraries that this process has imported after the module `before`, in their order."""
    after = _imported_after(before)
    return [
        name
        for name, module in (after if after is not None else list(sys.modules.items()))
        if isinstance(getattr(module, "__file__", None), str)
        and not is_project(module.__file__)
        and not module.__file__.startswith(_OURS)
    ]


def compile_always() -> None:
    """
    From now on the project's modules are compiled from their sources. Python believes cached bytecode if time (in
    seconds) and size of the source are the same, and two saves within a second can have both.
    """
    path_stats = SourceFileLoader.path_stats

    def of_libraries(self, path):
        if is_project(path):
            # Python then compiles the source, and stores nothing.
            raise OSError("the project's modules have no cache")
        return path_stats(self, path)

    SourceFileLoader.path_stats = of_libraries


class Files:
    """The files whose change can change the app."""

    def __init__(self, app_file: str | None):
        self.app_file = app_file and os.path.abspath(app_file)
        self._app_files: list[str] = []
        self._read: list[str] = []
        self._more: list[str] = []
        self._missing: list[str] = []

    def add_options(self, options) -> None:
        """Adds files and folders that the options name (fal/file_sync.py resolves them so)."""
        host, image = options.host, options.environment.get("image") or {}
        found = self._below(host.get("app_files_context_dir"), host.get("app_files"))
        if image.get("docker_files_list"):
            found += self._below(image.get("docker_context_dir"), map(_before_pattern, image["docker_files_list"]))
        self._app_files = found

    def _below(self, context: str | None, paths) -> list[str]:
        base = os.path.dirname(self.app_file) if self.app_file else os.getcwd()
        return [os.path.abspath(os.path.join(base, context or "", path)) for path in paths or ()]

    def add_read(self, path) -> None:
        """Adds a file that the SDK reads for the app, such as a Dockerfile."""
        if isinstance(path, (str, os.PathLike)):
            self._read.append(os.path.abspath(path))

    def add_error(self, error: BaseException) -> None:
        """Adds files in which the error is: they may be modules whose import didn't succeed."""
        seen = set()
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            if isinstance(error, SyntaxError):
                self._more.append(error.filename or "")
            if isinstance(error, ModuleNotFoundError) and isinstance(error.name, str):
                self._add_missing(error.name)
            self._more += [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
            error = error.__cause__ or error.__context__

    def _add_missing(self, module: str) -> None:
        """Adds files in which the developer may write a module that there isn't."""
        parts = module.split(".")
        if not all(part.isidentifier() for part in parts):
            return
        folders = [os.path.dirname(self.app_file) if self.app_file else os.getcwd(), os.getcwd()]
        folders += filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)[:_MOST_FOLDERS])
        for folder in dict.fromkeys(folders):
            path = os.path.join(folder, *parts)
            self._missing += [path + ".py", os.path.join(path, "__init__.py")]

    def all(self) -> list[str]:
        """Absolute paths, without duplicates; a path of `app_files` can be a folder."""
        found = [self.app_file] if self.app_file else []
        found += [module.__file__ for module in modules().values()]
        found += [file for file in self._more if is_project(file) and os.path.isfile(file)]
        found += filter(is_project, self._missing)
        found += [*self._app_files, *self._read]
        folder = os.path.dirname(self.app_file) if self.app_file else os.getcwd()
        while True:
            settings = os.path.join(folder, "pyproject.toml")
            if os.path.isfile(settings):
                found.append(settings)
                break
            if os.path.dirname(folder) == folder:
                break
            folder = os.path.dirname(folder)
        return list(dict.fromkeys(os.path.abspath(file) for file in found))[:_MOST_FILES]


def _before_pattern(path: str) -> str:
    """The folder in which all files are that fit: the part of a COPY's source before its first special character."""
    plain = re.split(r"[*?\[]", path, maxsplit=1)[0]
    return path if plain == path else os.path.dirname(plain)


def describe_error(error: BaseException) -> dict:
    """The error as data: the line of the project where it is, and the traceback from the project's first frame on."""
    part = error.__traceback__
    while part is not None and not is_project(part.tb_frame.f_code.co_filename):
        part = part.tb_next
    file = line = None
    for frame, number in traceback.walk_tb(part):
        if is_project(frame.f_code.co_filename):
            file, line = os.path.abspath(frame.f_code.co_filename), number
    message = _text(error)
    if isinstance(error, SyntaxError) and is_project(error.filename):
        # Programs make such errors, too, and set what they like.
        is_line = type(error.lineno) is int and 0 < error.lineno < _LARGEST_LINE
        file, line = os.path.abspath(error.filename), error.lineno if is_line else None
        message = error.msg if isinstance(error.msg, str) else message
    try:
        lines = traceback.format_exception(type(error), error, part)
    except Exception:
        lines = [f"{type(error).__name__}: {message}"]
    return {
        "type": type(error).__name__[:200],
        "message": (message or type(error).__name__)[:10_000],
        "file": file,
        "line": line,
        "traceback": "".join(lines)[:100_000],
    }


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return f"<{type(error).__name__} whose text could not be made>"
