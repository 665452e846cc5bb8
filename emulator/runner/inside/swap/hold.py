"""Which requests the app is serving, and a door that keeps new ones waiting while its code changes."""

from __future__ import annotations

import asyncio


class Hold:
    """
    Wraps an ASGI application. `is_own_call`: whether a connection from (host, port) is the runner's own. Such a call is
    never kept waiting: it may belong to a request that has to finish first.
    """

    def __init__(self, app, is_own_call):
        self.requests: dict[int, dict] = {}
        """The scopes of HTTP requests that are being served, by identity."""
        self.sessions: dict[int, dict] = {}
        """Likewise the open websockets."""
        self._app = app
        self._is_own_call = is_own_call
        self._opened: asyncio.Event | None = None

    def close(self) -> None:
        """Keeps new requests waiting until `open`."""
        self._opened = asyncio.Event()

    def open(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.set()

    # Must be a coroutine function: servers check that to detect the kind of application.
    async def __call__(self, scope, receive, send):
        kind = scope["type"]
        if kind == "lifespan":
            await self._app(scope, receive, send)
            return
        while self._opened is not None and not self._is_own(scope):
            await self._opened.wait()
        served = self.requests if kind == "http" else self.sessions
        served[id(scope)] = scope
        try:
            await self._app(scope, receive, send)
        finally:
            del served[id(scope)]

    def _is_own(self, scope) -> bool:
        client = scope.get("client")
        return bool(client) and self._is_own_call(client)
