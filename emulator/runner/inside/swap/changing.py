"""
Prepares an app of the SDK for changes of its code, and carries them out when the emulator asks. Everything happens on
the app's own loop, and nothing of the app's class is replaced.
"""

from __future__ import annotations

import asyncio
import sys

from ...shared import reports
from .. import callables, imports
from .hold import Hold
from .swap import Refused, Served


def install(function, debugger, is_own_call, report) -> None:
    """
    `function`: the registered callable. `debugger`: commands arrive there, too. `report(event, **about)`. Call this
    after `gate.install`: only admitted requests are kept waiting.
    """

    def change(module) -> None:
        server = module.Server
        startup = server.startup

        async def start_changeable(self, sockets=None):
            served = _find(self, function, is_own_call, debugger)
            if served is None:
                await startup(self, sockets=sockets)
                return
            report("swappable")
            await startup(self, sockets=sockets)
            served.has_started()
            _Changes(served, debugger, report).listen()

        server.startup = start_changeable

    imports.after(lambda name: name == "uvicorn.server", change)


def _find(server, function, is_own_call, debugger) -> Served | None:
    """The app of the SDK that this server serves, if it is one; the server's application is then wrapped."""
    app = server.config.app
    lifespan = getattr(getattr(app, "router", None), "lifespan_context", None)
    instance = getattr(lifespan, "__self__", None)
    if not hasattr(instance, "_build_app"):
        return None
    hold = server.config.loaded_app = Hold(server.config.loaded_app, is_own_call)
    return Served(function, instance, app, server, hold, debugger.paused_seconds)


class _Changes:
    def __init__(self, served: Served, debugger, report):
        self._served = served
        self._debugger = debugger
        self._report = report
        self._tasks: set[asyncio.Task] = set()

    def listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._debugger.commands.on("swap", lambda command: loop.call_soon_threadsafe(self._begin, command))

    def _begin(self, command: dict) -> None:
        task = asyncio.get_running_loop().create_task(self._swap(command))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _swap(self, command: dict) -> None:
        swap = command["swap"]
        try:
            done = await self._served.swap(command["file"], command["until"])
        except Refused as refused:
            self._refuse(swap, refused.code, refused.text, refused.remedy)
        except BaseException as error:
            print(callables.traceback_of(error), file=sys.stderr, end="")
            self._refuse(swap, "failed", callables.describe_error(error), "")
        else:
            self._debugger.loaded()
            about = {"ms": done.ms, "waited": done.waited, "cleared": _names(done.cleared), "kept": _names(done.kept)}
            self._report("swapped", swap=swap, **about)

    def _refuse(self, swap: int, code: str, text: str, remedy: str) -> None:
        about = {"text": text[: reports.LONGEST_REASON], "remedy": remedy[: reports.LONGEST_REASON]}
        self._report("unswapped", swap=swap, code=code, **about)


def _names(names: list[str]) -> list[str]:
    return [name[: reports.LONGEST_NAME] for name in names[: reports.MOST_NAMES]]
