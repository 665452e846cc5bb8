"""
Compares a swap with a restart, in processes of this machine without an emulator: the loader's own code imports, judges
and makes the change; a runner is a fork that loads the SDK's pickle, serves it in memory and takes the change.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.metadata
import inspect
import io
import json
import os
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import main as entry  # noqa: E402

entry.package()
sys.path.pop(0)
from _minifal_loader import live, loader, loading, project, sdk  # noqa: E402

os.environ.update(FAL_KEY="a:b", ISOLATE_TEST_MODE="1", FAL_GRPC_HOST="localhost:1", FAL_HOST="localhost:1")
import cloudpickle  # noqa: E402
import fal.api  # noqa: E402
import fal.cli.main  # noqa: E402
import fal.cli.run  # noqa: E402, F401
import numpy  # noqa: E402, F401
import starlette.testclient  # noqa: E402, F401
import starlette_exporter  # noqa: E402, F401
import uvicorn.lifespan.on  # noqa: E402, F401
from cloudpickle import cloudpickle as internals  # noqa: E402


_LIMIT_S = 300
"""Of a request that hangs, also on a machine that does much else."""
ARGUMENTS = sdk.parse(["app.py::Demo"])


class _Hooks(sdk.Hooks):
    def __init__(self, takes_sdk: bool):
        self._takes_sdk = takes_sdk

    def on_options(self, options) -> None:
        if not self._takes_sdk:
            internals._PICKLE_BY_VALUE_MODULES.discard("fal")

    def skips_build(self, environments) -> bool:
        return True

    def on_run(self, run) -> None:
        raise sdk.Captured(run)


def in_child(body):
    """The result of `body` in a fork, as JSON; an exception is raised here as text."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reading)
            try:
                answer = {"value": body()}
            except BaseException:
                answer = {"error": traceback.format_exc()}
            data = json.dumps(answer, default=repr).encode()
            while data:
                data = data[os.write(writing, data) :]
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        data = file.read()
    os.waitpid(pid, 0)
    if not data:
        raise RuntimeError("the child ended without an answer")
    answer = json.loads(data)
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["value"]


def import_app(folder: str):
    """Imports the app as `fal run` does, once in a process; the run, or the error of the import."""
    prepare_imports(folder)
    return import_again()


def prepare_imports(folder: str, takes_sdk: bool = True) -> None:
    """What this process needs before the first import. `takes_sdk`: the SDK's code is in the app's pickle."""
    os.chdir(folder)
    project.compile_always()
    _sync_without_server()
    without_output()
    sdk.install(_Hooks(takes_sdk))


def without_metadata() -> None:
    """`fal run` makes an OpenAPI document and sends none. Runners make one, too."""
    fal.App.build_metadata = classmethod(lambda _: {})


def import_again():
    """Like `import_app`, any number of times."""
    try:
        with sdk.quiet_console():
            ARGUMENTS.func(ARGUMENTS)
    except sdk.Captured as captured:
        return captured.run
    raise AssertionError("not captured")


def without_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _sync_without_server() -> None:
    from fal.file_sync import FileSync

    def sync_files(self, paths, files_ignore=(), files_context_dir=None, **_):
        # Earlier releases of the SDK have no such parameter.
        takes_ignored = "files_ignore" in inspect.signature(self.collect_files).parameters
        more = {"files_ignore": files_ignore} if takes_ignored else {}
        files = self.collect_files(paths, files_context_dir, **more)
        return list(files), []

    FileSync.sync_files = sync_files


def libraries(folder: str) -> None:
    """Imports the libraries of the app in this folder, as the loader does after its first import."""

    def body():
        before = project.last_module()
        import_app(folder)
        return project.libraries_since(before)

    loader.warm(in_child(body))


def runner_libraries(folder: str, pickled: bytes, probe, about) -> None:
    """
    Imports the libraries that a runner of this app imports while it starts and answers, so that the forks have them.
    What is here by now is what no fork may look at again: it isn't copied for each.
    """

    def body():
        before = project.last_module()

        async def run():
            runner = Runner(pickled, folder)
            await runner.start()
            await probe(runner, about)

        without_output()
        asyncio.run(run())
        return project.libraries_since(before)

    loader.warm(in_child(body))
    gc.collect()
    gc.freeze()


def load(folder: str, base: str | None, volatile: list[str]) -> dict:
    """What a child of the loader answers, and the description."""

    def body():
        started = time.perf_counter()
        try:
            run = import_app(folder)
        except BaseException as error:
            return {"verdict": "failed", "error": project.describe_error(error)}
        imported = time.perf_counter()
        found: list = []
        command = {"volatile": volatile}
        # Nothing is saved while it is imported.
        began = 2**63
        answer = loading.answer_of(run, json.loads(base) if base else None, command, found, began)
        answer["new"] = found[0]
        answer["pickle"] = run.message.function.definition.hex()
        answer["seconds"] = {"import": imported - started, "rest": time.perf_counter() - imported}
        return answer

    return in_child(body)


class Runner:
    """An app that was loaded from its pickle, in this process."""

    def __init__(self, pickled: bytes, folder: str):
        os.environ["IS_ISOLATE_AGENT"] = "1"
        # The SDK prints the packages at each start, which takes longer than all the rest of it.
        importlib.metadata.distributions = lambda: ()
        os.chdir(folder)
        import types

        sys.modules["__main__"] = types.ModuleType("__main__")
        # App files are importable in a runner; modules that travel by value aren't files there.
        sys.path.append(os.path.join(folder, "appfiles") if os.path.isdir("appfiles") else folder)
        self.root = cloudpickle.loads(pickled)
        serve = self.root.__closure__[self.root.__code__.co_freevars.index("func")].cell_contents
        self.cls = serve.__closure__[serve.__code__.co_freevars.index("cls")].cell_contents
        self.instance = self.cls()
        self.app = self.instance._build_app()
        self._life = self.instance.lifespan(self.app)

    async def start(self) -> None:
        await self._life.__aenter__()

    async def stop(self) -> str | None:
        try:
            await self._life.__aexit__(None, None, None)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return None

    def swap(self, delta: bytes) -> str | None:
        """None, or why it was refused."""
        try:
            change = live.apply.load(self.root, self.instance, delta)
            change.check()
            change.apply()
            self.kept = change.kept
            self.app = self.instance._build_app()
        except live.apply.Refused as refused:
            return refused.text
        return None

    def without_middleware(self):
        """The app as it is served, but for the SDK's middleware, which takes longer than the app itself."""
        app = self.app
        middleware, app.user_middleware = app.user_middleware, []
        try:
            stack = app.build_middleware_stack()
        finally:
            app.user_middleware = middleware

        async def serve(scope, receive, send):
            scope["app"] = app
            await stack(scope, receive, send)

        return serve

    async def call(self, path: str, body, method: str = "POST", app=None) -> list:
        data = b"" if body is None else json.dumps(body).encode()
        out, status = io.BytesIO(), 0
        sent = False

        async def receive():
            nonlocal sent
            if sent:
                await asyncio.sleep(3600)
            sent = True
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                out.write(message.get("body", b""))

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "scheme": "http",
            "query_string": b"",
            "headers": [(b"content-type", b"application/json"), (b"host", b"test")],
            "client": ("127.0.0.1", 1),
            "server": ("test", 80),
        }
        try:
            await asyncio.wait_for((app or self.app)(scope, receive, send), _LIMIT_S)
        except asyncio.TimeoutError:
            return ["timeout", ""]
        except Exception as error:
            return [status, f"{type(error).__name__}: {error}"]
        return [status, out.getvalue().decode("utf-8", "replace")]

    async def message(self, path: str, body) -> list:
        """The first answer of a realtime endpoint."""
        import msgpack

        incoming: asyncio.Queue = asyncio.Queue()
        await incoming.put({"type": "websocket.connect"})
        await incoming.put({"type": "websocket.receive", "bytes": msgpack.packb(body)})
        answers: list = []
        first = asyncio.Event()

        async def send(message):
            if message["type"] == "websocket.send":
                data = message.get("bytes")
                answers.append(msgpack.unpackb(data) if data else message.get("text"))
                first.set()
            elif message["type"] == "websocket.close":
                answers.append(["closed", message.get("code")])
                first.set()

        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "scheme": "ws",
            "query_string": b"",
            "headers": [(b"host", b"test")],
            "client": ("127.0.0.1", 1),
            "server": ("test", 80),
            "subprotocols": [],
        }
        task = asyncio.create_task(self.app(scope, incoming.get, send))
        try:
            await asyncio.wait_for(first.wait(), 5)
        except asyncio.TimeoutError:
            answers.append("timeout")
        await incoming.put({"type": "websocket.disconnect", "code": 1000})
        done, _ = await asyncio.wait({task}, timeout=5)
        if not done:
            task.cancel()
        return answers[:1]


def volatile_of(old: dict, new: dict) -> list[str]:
    from _minifal_loader import volatile

    return volatile.volatile_of(old, new)


_events = os.dup(1)


def show(**row) -> None:
    """A line of JSON on the output that this process began with."""
    os.write(_events, json.dumps(row).encode() + b"\n")
