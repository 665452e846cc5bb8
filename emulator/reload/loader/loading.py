"""What the children of the loader do: hold `fal run`, or import the app once more up to the message of `fal run`."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import sys
import time
import uuid

from . import code as codes
from . import project, remedies, sdk
from .delta import Unaddressable, make
from .describe import Describer
from .judge import Judgement, judge, refused
from .large import TooLarge
from .volatile import volatile_of

_CLOCK_STEP_NS = 10_000_000
"""The times of files are those of the kernel's last tick."""


class _Holding(sdk.Hooks):
    """Lets `fal run` do its work, and reports what it sent and where it serves."""

    def __init__(self, argv: list[str], send):
        self._send = send
        self._began = time.time_ns()
        self._files = project.Files(sdk.app_file_of(sdk.parse(argv)))

    def on_options(self, options) -> None:
        self._files.add_options(options)

    def on_read(self, path) -> None:
        self._files.add_read(path)

    def on_run(self, run: sdk.Run) -> None:
        try:
            base = json.dumps(describe(run, self._began)[0])
        except Exception:
            # Whatever the comparison can't take, the app must run.
            return
        self._send({"event": "base", "base": base})

    def on_urls(self, urls) -> None:
        alias = urls.run.rstrip("/").rsplit("/", 1)[-1]
        self._send({"event": "serving", "alias": alias, "files": self._files.all()})


def hold(argv: list[str], send) -> int:
    """`fal run` with these arguments. Returns its exit code."""
    sys.argv[:] = ["fal", "run", *argv]
    return sdk.run_command(argv, _Holding(argv, send))


class _Loading(sdk.Hooks):
    """Ends `fal run` with its message. Builds of an environment that exists aren't requested."""

    def __init__(self, arguments, base: dict | None, send):
        self.files = project.Files(sdk.app_file_of(arguments))
        self._send = send
        self._known = base["registration"].get("environments") if base else None
        self._has_options = False

    def on_options(self, options) -> None:
        self.files.add_options(options)
        if not self._has_options:
            self._has_options = True
            self._send({"event": "imported"})

    def on_read(self, path) -> None:
        self.files.add_read(path)

    def skips_build(self, environments: list) -> bool:
        import isolate_proto

        message = isolate_proto.HostedRun(environments=environments)
        return sdk.registration_of(message).get("environments") == self._known

    def on_run(self, run: sdk.Run) -> None:
        raise sdk.Captured(run)


class _Checking(sdk.Hooks):
    """Ends `fal run` with its message, and asks the emulator nothing before."""

    def skips_build(self, environments: list) -> bool:
        return True

    def on_run(self, run: sdk.Run) -> None:
        raise sdk.Captured(run)


def check(argv: list[str], arguments, base_text: str, send) -> int:
    """
    Imports the version of `base_text` once more; reports what differs although the files are the same, and the
    libraries that it needs.
    """
    before, began = project.last_module(), time.time_ns()
    sys.argv[:] = ["fal", "run", *argv]
    project.compile_always()
    volatile: list[str] = []
    try:
        with sdk.quiet_console():
            sdk.run_bare(arguments, _Checking())
    except sdk.Captured as captured:
        base, (new, _) = json.loads(base_text), describe(captured.run, began)
        if base["sources"] == new["sources"]:
            volatile = volatile_of(base, new)
    except BaseException:
        # A save reports it.
        pass
    send({"event": "checked", "volatile": volatile, "libraries": project.libraries_since(before)})
    return 0


def load(argv: list[str], arguments, base_text: str | None, command: dict, send) -> int:
    """
    Imports the app and answers with what changed since `base_text`, the description of the last accepted version.
    `arguments`: those of `fal run`, parsed. `command`: `fresh` wants a new runner in any case; `first` is the
    description that the first import of the same save gave, if it isn't the first.
    """
    before, began = project.last_module(), time.time_ns()
    sys.argv[:] = ["fal", "run", *argv]
    project.compile_always()
    base = json.loads(base_text) if base_text else None
    started = time.perf_counter()
    files = project.Files(None)
    try:
        hooks = _Loading(arguments, base, send)
        files = hooks.files
        with sdk.quiet_console():
            sdk.run_bare(arguments, hooks)
        raise RuntimeError("`fal run` ended before it called the emulator.")
    except sdk.Captured as captured:
        run = captured.run
    except BaseException as error:
        files.add_error(error)
        answer = {"event": "failed", "error": project.describe_error(error), "files": files.all()}
        send({"event": "answer", "answer": answer, "libraries": project.libraries_since(before)})
        return 0
    imported = time.perf_counter()
    send({"event": "captured"})
    found: list[dict] = []
    answer = answer_of(run, base, command, found, began)
    answer["files"] = files.all()
    answer["ms"]["import"] = _ms(imported - started)
    reason = answer["reason"]["code"]
    again = base is not None and "first" not in command and reason in ("setup_reaches", "dynamic", "shape")
    message = {"event": "answer", "answer": answer, "base": json.dumps(found[0]), "again": again}
    send({**message, "volatile": command.get("volatile"), "libraries": project.libraries_since(before)})
    return 0


def answer_of(run: sdk.Run, base: dict | None, command: dict, found: list[dict], began: int) -> dict:
    """The event `loaded`, without files and id. Appends the description to `found`."""
    started = time.perf_counter()
    new, describer = describe(run, began)
    found.append(new)
    if "first" in command:
        first = json.loads(command["first"])
        if first["sources"] == new["sources"]:
            command["volatile"] = [*command["volatile"], *volatile_of(first, new)]
    described = time.perf_counter()
    result = _judge(base, new, command)
    judged = time.perf_counter()
    delta, operations = None, {}
    if result.verdict == "swap":
        try:
            delta, operations = make(result, describer)
        except Exception as error:
            text = str(error) if isinstance(error, Unaddressable) else f"{type(error).__name__}: {error}"
            result = _refuse(result, "not_addressable", text, remedies.NOT_ADDRESSABLE)
    result.shorten()
    return {
        "event": "loaded",
        "verdict": result.verdict,
        "reason": result.reason,
        "changed": result.changed,
        "kept": result.kept if result.verdict == "swap" else [],
        "run": base64.b64encode(run.message.SerializeToString(deterministic=True)).decode(),
        "delta": base64.b64encode(delta).decode() if delta is not None else None,
        "certificate": _certificate(base, new, result, operations),
        "ms": {
            "describe": _ms(described - started),
            "judge": _ms(judged - described),
            "delta": _ms(time.perf_counter() - judged),
        },
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def describe(run: sdk.Run, began: int) -> tuple[dict, Describer | None]:
    """
    What `fal run` would register, as data, and the objects of its graph (None: code that the runner imports). `large`:
    what is too large to be compared; there is no graph then. `began`: when the import began, in nanoseconds since the
    epoch.
    """
    import fal

    modules = project.modules()
    files = {os.path.realpath(module.__file__) for module in modules.values()}
    describer, large = None, None
    if run.function is not None:
        describer = Describer(modules)
        try:
            describer.walk(run.function)
        except TooLarge as error:
            large = error.name
        files |= {os.path.realpath(file) for file in describer.files}
    sources = {file: _digest_of(file) for file in sorted(files)}
    texts = _texts(modules, describer)
    if any(_was_saved_since(file, began) for file in files):
        # What was imported may be older than what the files have now: they describe no other import of it.
        sources, texts = {"": uuid.uuid4().hex}, {}
    return {
        "python": sys.version,
        "sdk": fal.__version__,
        "registration": sdk.registration_of(run.message),
        "sources": sources,
        "texts": texts,
        "graph": describer.nodes if describer and large is None else None,
        "large": large,
    }, describer


def _was_saved_since(file: str, began: int) -> bool:
    try:
        status = os.stat(file)
    except OSError:
        return True
    # A file that replaces another one has its old time of change, but not its old status.
    return max(status.st_mtime_ns, status.st_ctime_ns) > began - _CLOCK_STEP_NS


def _texts(modules: dict[str, object], describer: Describer | None) -> dict[str, str]:
    """The source of each module, a character for each byte."""
    files = {name: module.__file__ for name, module in modules.items()}
    files.update({"<run_path>": file for file in (describer.files if describer else ())})
    texts = {}
    for name, file in files.items():
        try:
            with open(file, encoding="latin-1", newline="") as source:
                texts[name] = source.read()
        except OSError:
            continue
    return texts


def _digest_of(file: str) -> str:
    try:
        with open(file, "rb") as source:
            return codes.digest(source.read())
    except OSError:
        return ""


def _judge(base: dict | None, new: dict, command: dict) -> Judgement:
    if base is None:
        return refused("restart", "first_version", "There is nothing to compare with", remedies.FIRST_VERSION)
    if command.get("fresh"):
        return refused("restart", "fresh", "A fresh setup() was requested", remedies.FRESH)
    result = judge(base, new, command.get("volatile") or [])
    if result.verdict == "swap" and command.get("swap") is False:
        return _refuse(result, "swap_off", "Swapping is turned off", remedies.SWAP_OFF)
    return result


def _refuse(found: Judgement, code: str, text: str, remedy: str) -> Judgement:
    """A restart in place of the swap that was found."""
    return dataclasses.replace(found, verdict="restart", code=code, text=text, remedy=remedy)


def _certificate(base: dict | None, new: dict, result: Judgement, operations: dict[str, int]) -> dict:
    """Why the verdict is sound, as data."""
    return {
        "verdict": result.verdict,
        "reason": result.reason,
        "changed": result.changed,
        "kept": result.kept,
        "reached": result.reached,
        "reaches": result.reaches,
        "compared": len(new["graph"] or ()),
        "ignored": result.ignored[:20],
        "operations": operations,
        "sources": {"old": codes.digest(base["sources"]) if base else None, "new": codes.digest(new["sources"])},
        "python": new["python"].split()[0],
        "sdk": new["sdk"],
    }
