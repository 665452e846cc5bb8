"""What the children of the loader do: hold `fal run`, or import the app once more up to the message of `fal run`."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import time

from . import project, sdk



class _Holding(sdk.Hooks):
    """Lets `fal run` do its work, and reports what it sent and where it serves."""

    def __init__(self, argv: list[str], send):
        self._send = send
        self._files = project.Files(sdk.app_file_of(argv))

    def on_options(self, options) -> None:
        self._files.add_options(options.host)

    def on_run(self, run: sdk.Run) -> None:
        self._send({"event": "base", "base": json.dumps(_describe(run))})

    def on_urls(self, urls) -> None:
        alias = urls.run.rstrip("/").rsplit("/", 1)[-1]
        self._send({"event": "serving", "alias": alias, "files": self._files.all()})


def hold(argv: list[str], send) -> int:
    """`fal run` with these arguments. Returns its exit code."""
    sys.argv[:] = ["fal", "run", *argv]
    return sdk.run_command(argv, _Holding(argv, send))


class _Loading(sdk.Hooks):
    """Ends `fal run` with its message. Builds of an environment that exists aren't requested."""

    def __init__(self, argv: list[str], base: dict | None, send):
        self.files = project.Files(sdk.app_file_of(argv))
        self._send = send
        self._known = base["registration"].get("environments") if base else None
        self._has_options = False

    def on_options(self, options) -> None:
        self.files.add_options(options.host)
        if not self._has_options:
            self._has_options = True
            self._send({"event": "imported"})

    def skips_build(self, environments: list) -> bool:
        import isolate_proto

        message = isolate_proto.HostedRun(environments=environments)
        return sdk.registration_of(message).get("environments") == self._known

    def on_run(self, run: sdk.Run) -> None:
        raise sdk.Captured(run)


def load(argv: list[str], base_text: str | None, command: dict, send) -> int:
    """
    Imports the app and answers with what changed since `base_text`, the description of the last accepted version.
    `command`: `fresh` wants a new runner in any case.
    """
    before = set(sys.modules)
    sys.argv[:] = ["fal", "run", *argv]
    project.compile_always()
    base = json.loads(base_text) if base_text else None
    started = time.perf_counter()
    files = project.Files(None)
    try:
        hooks = _Loading(argv, base, send)
        files = hooks.files
        with sdk.quiet_console():
            sdk.run_bare(argv, hooks)
        raise RuntimeError("`fal run` ended before it called the emulator.")
    except sdk.Captured as captured:
        run = captured.run
    except BaseException as error:
        files.add_error(error)
        answer = {"event": "failed", "error": project.describe_error(error), "files": files.all()}
        send({"event": "answer", "answer": answer, "libraries": project.libraries_since(before)})
        return 0
    imported = time.perf_counter()
    new = _describe(run)
    verdict, reason, changed = _judge(base, new, command)
    answer = {
        "event": "loaded",
        "verdict": verdict,
        "reason": reason,
        "changed": changed,
        "kept": [],
        "run": base64.b64encode(run.message.SerializeToString(deterministic=True)).decode(),
        "delta": None,
        "certificate": {},
        "files": files.all(),
        "ms": {"import": _ms(imported - started), "judge": _ms(time.perf_counter() - imported)},
    }
    message = {"event": "answer", "answer": answer, "base": json.dumps(new)}
    send({**message, "libraries": project.libraries_since(before)})
    return 0


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _describe(run: sdk.Run) -> dict:
    return {"sources": _sources(run), "registration": sdk.registration_of(run.message)}


def _sources(run: sdk.Run) -> dict[str, str]:
    """Digests of the sources of the project's modules, and of the app's file."""
    names = {module.__file__ for module in project.modules().values()}
    function = getattr(run.function, "__wrapped__", run.function)
    for cell in getattr(function, "__closure__", None) or ():
        module = getattr(cell.cell_contents, "__module__", None)
        for value in vars(cell.cell_contents).values() if isinstance(cell.cell_contents, type) else ():
            file = getattr(getattr(value, "__globals__", None), "get", lambda _: None)("__file__")
            if module and project.is_project(file):
                names.add(file)
    found = {}
    for name in sorted(names):
        try:
            with open(name, "rb") as file:
                found[name] = hashlib.blake2b(file.read(), digest_size=16).hexdigest()
        except OSError:
            found[name] = ""
    return found


def _judge(base: dict | None, new: dict, command: dict) -> tuple[str, dict, list[dict]]:
    """Verdict, its reason, and what changed."""
    if base is None:
        return "restart", _reason("first_version", "There is nothing to compare with."), []
    if command.get("fresh"):
        return "restart", _reason("fresh", "A fresh setup() was requested."), []
    old_options, new_options = base["registration"], new["registration"]
    names = sorted(
        name for name in old_options.keys() | new_options.keys() if old_options.get(name) != new_options.get(name)
    )
    changed = [{"path": name, "what": "option"} for name in names]
    if "environments" in names:
        return "rebuild", _reason("environment", "The environment changed."), changed
    if names:
        return "restart", _reason("option", f"The option {names[0]} changed."), changed
    old_sources, new_sources = base["sources"], new["sources"]
    files = sorted(
        name for name in old_sources.keys() | new_sources.keys() if old_sources.get(name) != new_sources.get(name)
    )
    if files:
        changed = [{"path": name, "what": "source"} for name in files]
        return "restart", _reason("source", f"{files[0]} changed."), changed
    return "same", _reason("same", "Nothing changed."), []


def _reason(code: str, text: str, trail: tuple[str, ...] = ()) -> dict:
    return {"code": code, "text": text, "trail": list(trail)}
