"""
One change of a running app's code: new requests wait, old code ends, the objects are changed, and the SDK builds its
server's application again. Whatever fails is undone, and then nothing has changed.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
import traceback
from typing import NamedTuple

from .. import objects
from .quiet import Quiet

_POLL_SECONDS = 0.005
_UNDIVIDED_SECONDS = 1.0
_CONTAINERS = (dict, list, set)
_OF_SDK = ("_current_request_context", "isolate_channel")
"""Attributes that the SDK itself sets on an app after its setup."""


class Refused(Exception):
    """
    `code`: see `reports.SWAP_CODES`. `text`: a part of a sentence that says why; `remedy`: what would make the change
    possible, if that depends on more than the code.
    """

    def __init__(self, code: str, text: str, remedy: str = ""):
        super().__init__(text)
        self.code = code
        self.text = text
        self.remedy = remedy


class Done(NamedTuple):
    """`ms`: whole milliseconds; in `waited` of them old code ended. Names of emptied caches, and of kept state."""

    ms: int
    waited: int
    cleared: list[str]
    kept: list[str]


class Served:
    """
    An app of the SDK that is being served. `function`: the registered callable. `instance`: the developer's app. `app`:
    the ASGI application that the SDK built of it, in `server`. `hold`: its requests. `paused_seconds()`: for how long a
    debugger has stopped code, which is no reason to lose patience.
    """

    def __init__(self, function, instance, app, server, hold, paused_seconds):
        self._function = function
        self._instance = instance
        self._app = app
        self._server = server
        self._hold = hold
        self._paused_seconds = paused_seconds
        self._after_setup: dict[str, tuple[int, int]] = {}

    def has_started(self) -> None:
        """`setup()` has returned."""
        self._after_setup = _states(self._instance)

    async def swap(self, file: str, until: float) -> Done:
        """
        `file`: the change, for apply.py. `until`: when the patience ends (time.monotonic). Raises `Refused`, or what
        the change raised; the code is then the old one.
        """
        from . import apply

        began = time.monotonic()
        with open(file, "rb") as changed:
            data = changed.read()
        try:
            change = apply.load(self._function, self._instance, data)
            self._hold.close()
            waited = await self._wait(change, until)
            self._carry_out(change)
        except apply.Refused as refused:
            raise Refused("refused", refused.text, refused.remedy) from refused
        finally:
            self._hold.open()
        ms = int((time.monotonic() - began) * 1000)
        return Done(ms, int(waited * 1000), change.cleared, [*change.kept, *self._set_since_setup()])

    async def _wait(self, change, until: float) -> float:
        """Returns how many seconds it waited until no old code was running; not counted: the time to find that out."""
        kind = type(self._instance)
        shared = [function for name in _PER_REQUEST if (function := getattr(kind, name, None)) is not None]
        quiet = Quiet(change.functions, self._hold, shared)
        waited, paused = 0.0, self._paused_seconds()
        while (running := quiet.running()) is not None:
            began = time.monotonic()
            if began >= until + self._paused_seconds() - paused:
                raise Refused("still_running", running)
            await asyncio.sleep(_POLL_SECONDS)
            waited += time.monotonic() - began
        return waited

    def _carry_out(self, change) -> None:
        """Without interruption: no other task runs, and threads only while this one waits for the system."""
        interval = sys.getswitchinterval()
        sys.setswitchinterval(_UNDIVIDED_SECONDS)
        try:
            sessions = self._sessions()
            with objects.thawed():
                change.check()
            undo = change.apply()
            try:
                self._adopt(self._rebuilt(), sessions)
            except BaseException:
                _undo(undo)
                raise
        finally:
            sys.setswitchinterval(interval)

    def _rebuilt(self):
        fresh = self._instance._build_app()
        fresh.state = self._app.state
        fresh.middleware_stack = fresh.build_middleware_stack()
        return fresh

    def _adopt(self, fresh, sessions: dict[str, tuple]) -> None:
        """
        The old application stays the server's: requests that it is serving keep its routes, it holds the running
        lifespan, and everything else that refers to it is right. It only passes new requests on.
        """
        now = {route.path: _contract(route.endpoint) for route in fresh.routes if hasattr(route, "endpoint")}
        for path, contract in sessions.items():
            if now.get(path) != contract:
                text = f"a realtime session is open on {path}, whose options or models change"
                raise Refused("refused", text, f"The change is swapped while no session is open on {path}")
        if hasattr(self._server, "_handle_exit"):
            self._server._handle_exit = self._instance.handle_exit
        self._app.middleware_stack = fresh

    def _sessions(self) -> dict[str, tuple]:
        """What open sessions go by, by the path of their endpoint."""
        endpoints = [scope.get("endpoint") for scope in self._hold.sessions.values()]
        found = {}
        for endpoint in endpoints:
            signature = getattr(endpoint, "route_signature", None)
            if signature is not None:
                found[signature.path] = _contract(endpoint)
        return found

    def _set_since_setup(self) -> list[str]:
        now = _states(self._instance)
        return [f"self.{name}" for name, value in now.items() if self._after_setup.get(name) != value]


_PER_REQUEST = ("provide_hints",)
"""Methods that the SDK calls in every request, whatever its endpoint."""


def _contract(endpoint) -> tuple:
    return getattr(endpoint, "__func__", endpoint), getattr(endpoint, "route_signature", None)


def _states(instance) -> dict[str, tuple[int, int]]:
    """For each attribute, what shows that it was set again, or that its container has grown. Holds no values."""
    # A copy: threads may set attributes meanwhile. The containers' own lengths: no code of the app runs.
    return {
        name: (id(value), next((kind.__len__(value) for kind in _CONTAINERS if isinstance(value, kind)), 0))
        for name, value in list(vars(instance).items())
        if name not in _OF_SDK
    }


def _undo(undo) -> None:
    """Nobody knows what an app is whose change could be neither made nor undone: it ends."""
    try:
        undo()
    except BaseException:
        traceback.print_exc()
        print("minifal: A change of the code failed and could not be undone: the runner ends.", file=sys.stderr)
        sys.stderr.flush()
        os._exit(1)
