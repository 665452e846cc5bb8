"""
Lets only the emulator in to the runner's servers: its gateway and its health probes send the runner's secret with every
request, which web pages and neighbours don't know. Outside of CORS and of every other middleware, for HTTP and
websockets, and the header is gone when any of them looks. For uvicorn, which serves all apps of the SDK; other servers
are left as they are.
"""

from __future__ import annotations

import logging
from hmac import compare_digest as _is_same

from . import imports

HEADER = b"x-minifal-runner"
"""engines/pass.ts writes it."""
_silent = logging.Logger("minifal.gate")
_silent.disabled = True


class Gate:
    """
    Around an ASGI application. `ports`: as the app declares them and as they really are; servers on others stay open.
    `is_own_call`: whether a connection from (host, port) is the runner's own (network.py).
    """

    __slots__ = ("_app", "_secret", "_ports", "_is_own_call")

    def __init__(self, app, secret: bytes, ports: frozenset[int], is_own_call):
        self._app = app
        self._secret = secret
        self._ports = ports
        self._is_own_call = is_own_call

    # A coroutine function: servers look whether an application is one.
    async def __call__(self, scope, receive, send):
        kind = scope["type"]
        if kind != "lifespan":
            headers = scope["headers"]
            # The emulator writes it first; servers and libraries may put theirs before it.
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
    _hush(getattr(send, "__self__", None))
    if kind == "websocket":
        # Before it is accepted: the client gets HTTP 403.
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _hush(exchange) -> None:
    """The server's own lines about this answer: a page could fill the app's log with them."""
    if hasattr(exchange, "access_log"):
        exchange.access_log = False
    for speaker in (exchange, getattr(exchange, "conn", None)):
        if hasattr(speaker, "logger"):
            speaker.logger = _silent


def install(secret: str, ports: frozenset[int], is_own_call, report_gate) -> None:
    """`report_gate`: called before a server on one of the ports listens, behind the gate."""

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
        # All else has been put around the application by now, and no connection has been made.
        if is_ours(self.config, sockets):
            self.config.loaded_app = around(self.config.loaded_app)
            report_gate()
        await startup(self, sockets=sockets)

    server.startup = start_behind_gate
