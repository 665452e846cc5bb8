"""
Two processes that stay for one app: one imports its versions and judges them, as the loader's children do, and one runs
them. A fork for each import and each start would spend most of its time on what the next one needs again.
"""

from __future__ import annotations

import asyncio
import base64
import json
import linecache
import multiprocessing
import os
import sys
import traceback

import harness
from cloudpickle import cloudpickle as internals
from harness import loading, project


class Worker:
    """A fork that runs `body(pipe)`: for each question there it sends an answer, and None for no error."""

    def __init__(self, body):
        self._pipe, pipe = multiprocessing.Pipe()
        sys.stdout.flush()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                self._pipe.close()
                harness.without_output()
                body(pipe)
            except BaseException:
                pipe.send((None, traceback.format_exc()))
            finally:
                os._exit(0)
        pipe.close()

    def ask(self, *question) -> None:
        self._pipe.send(question)

    def answer(self):
        """To the first question that wasn't answered yet."""
        value, error = self._pipe.recv()
        if error is not None:
            raise RuntimeError(error)
        return value

    def end(self) -> None:
        self._pipe.close()
        os.kill(self._pid, 9)
        os.waitpid(self._pid, 0)


class Importer(Worker):
    """Each question is a save; each version is compared with the one before."""

    def __init__(self, folder: str, takes_sdk: bool):
        """`takes_sdk`: the SDK's code is in the app's pickle, as in reality, and is most of it."""
        super().__init__(lambda pipe: _import(pipe, folder, takes_sdk))


def _import(pipe, folder: str, takes_sdk: bool) -> None:
    harness.prepare_imports(folder, takes_sdk)
    harness.without_metadata()
    path = list(sys.path)
    base = None
    while True:
        pipe.recv()
        for name in project.modules():
            sys.modules.pop(name)
        sys.path[:] = path
        linecache.clearcache()
        run = harness.import_again()
        found: list = []
        # Nothing is saved while it is imported.
        answer = loading.answer_of(run, base, {"volatile": []}, found, 2**63)
        base = json.loads(json.dumps(found[0]))
        delta = answer["delta"] and base64.b64decode(answer["delta"])
        about = {"verdict": answer["verdict"], "reason": answer["reason"], "delta": delta}
        pipe.send(({**about, "pickle": run.message.function.definition}, None))


class Runners(Worker):
    """
    Runs the app from its pickle. `("start", pickle, about)`: from now on this version runs. `("swap", delta)`: None, or
    why it was refused. `("compare", pickle, about)`: what it answers otherwise than a new start of the pickle does.
    `("answers", pickle, about)`: what a new start answers. `probe(runner, about)` asks a runner.
    """

    def __init__(self, folder: str, probe):
        super().__init__(lambda pipe: asyncio.run(_run(pipe, folder, probe)))


async def _run(pipe, folder: str, probe) -> None:
    # No file of the app is importable, as modules that travel by value aren't in a runner.
    empty = os.path.join(folder, "runner")
    os.makedirs(empty, exist_ok=True)
    path = list(sys.path)
    # For its errors FastAPI looks up the lines of each endpoint.
    linecache.getlines = lambda *_, **__: []

    async def start(pickled: bytes) -> harness.Runner:
        sys.path[:] = path
        # Each start has classes of its own, as in a process of its own.
        internals._DYNAMIC_CLASS_TRACKER_BY_CLASS.clear()
        internals._DYNAMIC_CLASS_TRACKER_BY_ID.clear()
        runner = harness.Runner(pickled, empty)
        await runner.start()
        return runner

    live = None
    while True:
        kind, data, *about = pipe.recv()
        value = None
        if kind == "swap":
            value = live.swap(data)
        elif kind == "start":
            live = await start(data)
            await probe(live, *about)
        elif kind == "answers":
            value = await probe(await start(data), *about)
        else:
            want = await probe(await start(data), *about)
            got = await probe(live, *about)
            value = {name: [got[name], want[name]] for name in want if got[name] != want[name]}
        pipe.send((value, None))
