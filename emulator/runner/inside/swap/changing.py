"""
Prepares an app of the SDK for changes of its code, and carries them out when the emulator asks. Everything happens on
the app's own loop: no thread is added, and nothing of the app's class is replaced.
"""

from __future__ import annotations

import asyncio
import os
import sys

from ...shared import reports
from .. import callables, imports
from .hold import Hold
from .swap import Refused, Served


def install(function, channel, is_own_call, report) -> None:
    """
    `function`: the registered callable. `channel`: the commands arrive there. `report(event, **about)`. Call this after
    `gate.install`: only admitted requests are kept waiting.
    """

    def change(module) -> None:
        server = module.Server
        startup = server.startup

        async def start_changeable(self, sockets=None):
            served = _find(self, function, is_own_call)
            if served is None:
                await startup(self, sockets=sockets)
                return
            report("swappable")
            await startup(self, sockets=sockets)
            served.has_started()
            _Commands(served, channel, report).listen()

        server.startup = start_changeable

    imports.after(lambda name: name == "uvicorn.server", change)


def _find(server, function, is_own_call) -> Served | None:
    """The app of the SDK that this server serves, if it is one; the server's application is then wrapped."""
    app = server.config.app
    lifespan = getattr(getattr(app, "router", None), "lifespan_context", None)
    instance = getattr(lifespan, "__self__", None)
    if not hasattr(instance, "_build_app"):
        return None
    hold = server.config.loaded_app = Hold(server.config.loaded_app, is_own_call)
    return Served(function, instance, app, server, hold)


class _Commands:
    def __init__(self, served: Served, channel, report):
        self._served = served
        self._channel = channel
        self._report = report
        self._owner = os.getpid()
        self._tasks: set[asyncio.Task] = set()

    def listen(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._descriptor = self._channel.fileno()
        if self._descriptor >= 0:
            self._loop.add_reader(self._descriptor, self._on_commands)

    def _on_commands(self) -> None:
        # A forked process that continues the loop shares the channel.
        commands = self._channel.receive_now() if os.getpid() == self._owner else None
        if commands is None:
            self._loop.remove_reader(self._descriptor)
        for command in commands or ():
            if command["op"] == "swap":
                task = self._loop.create_task(self._swap(command))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _swap(self, command: dict) -> None:
        swap = command["swap"]
        try:
            done = await self._served.swap(command["file"], command["until"])
        except Refused as refused:
            self._refuse(swap, refused.code, refused.text)
        except BaseException as error:
            print(callables.traceback_of(error), file=sys.stderr, end="")
            self._refuse(swap, "failed", callables.describe_error(error))
        else:
            about = {"ms": done.ms, "waited": done.waited, "cleared": _names(done.cleared), "kept": _names(done.kept)}
            self._report("swapped", swap=swap, **about)

    def _refuse(self, swap: int, code: str, text: str) -> None:
        self._report("unswapped", swap=swap, code=code, text=text[: reports.LONGEST_REASON])


def _names(names: list[str]) -> list[str]:
    return [name[: reports.LONGEST_NAME] for name in names[: reports.MOST_NAMES]]
