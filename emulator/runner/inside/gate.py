"""
Admits only the emulator to the runner's servers. Its gateway and its health probes send the runner's secret with every
request; web pages and other runners don't know it. The gate is outside of CORS and of every other middleware, for HTTP
and websockets, and removes the header before they run. It covers uvicorn, which serves all apps of the SDK; other
servers are unchanged.
"""

from __future__ import annotations

import logging
from hmac import compare_digest as _is_same

from . import imports

HEADER = b"x-minifal-runner"
"""Written by engines/pass.ts."""
_silent = logging.Logger("minifal.gate")
_silent.disabled = True


class Gate:
    """
    Wraps an ASGI application. `ports`: the declared and the real ones; servers on other ports stay open. `is_own_call`:
    whether a connection from (host, port) is the runner's own (network.py).
    """

    __slots__ = ("_app", "_secret", "_ports", "_is_own_call")

    def __init__(self, app, secret: bytes, ports: frozenset[int], is_own_call):
        self._app = app
        self._secret = secret
        self._ports = ports
        self._is_own_call = is_own_call

    # Must be a coroutine function: servers check that to detect the kind of application.
    async def __call__(self, scope, receive, send):
        kind = scope["type"]
        if kind != "lifespan":
            headers = scope["headers"]
            # The emulator writes it first; servers and libraries may insert their headers before it.
            if headers and headers[0][0] == HEADER and _is_same(headers[0][1], self._secret):
                del headers[0]
            elif not self._admits(scope):
                await _refuse(kind, send)
                return
        await self._app(scope, receive, send)

    def _admits(self, scope) -> bool:
        headers = scope["headers"]
        for at, (name, value) in enumerate(headers):
            if name == HEADER and _is_same(value, self._secret):
                del headers[at]
                return True
        server, client = scope.get("server"), scope.get("client")
        if server and server[1] not in self._ports:
            return True
        return bool(client) and self._is_own_call(client)


async def _refuse(kind: str, send) -> None:
    _silence(getattr(send, "__self__", None))
    if kind == "websocket":
        # Closed before it is accepted: the client gets HTTP 403.
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _silence(exchange) -> None:
    """Silences the server's own log lines about this response: a web page could fill the app's log with them."""
    if hasattr(exchange, "access_log"):
        exchange.access_log = False
    for speaker in (exchange, getattr(exchange, "conn", None)):
        if hasattr(speaker, "logger"):
            speaker.logger = _silent


def install(secret: str, ports: frozenset[int], is_own_call, report_gate) -> None:
    """Calls `report_gate` before a server on one of the ports listens behind the gate."""

    def around(app):
        return app if isinstance(app, Gate) else Gate(app, secret.encode(), ports, is_own_call)

    def is_ours(config, sockets) -> bool:
        return sockets is not None or config.fd is not None or config.port in ports

    def change(module) -> None:
        _change(module.Server, around, is_ours, report_gate)

    imports.after(lambda name: name == "uvicorn.server", change)


def _change(server, around, is_ours, report_gate) -> None:
    startup = server.startup

    async def start_behind_gate(self, sockets=None):
        # By now everything else has wrapped the application, and no connection has been made.
        if is_ours(self.config, sockets):
            self.config.loaded_app = around(self.config.loaded_app)
            report_gate()
        await startup(self, sockets=sockets)

    server.startup = start_behind_gate
