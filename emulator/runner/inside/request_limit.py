"""
uvicorn's `limit_max_requests` (`fal run --limit-max-requests`). Our health checks don't count, and the runner reports
that the limit was reached before the server refuses connections, so that an app that is done is not mistaken for one
that failed.
"""

from __future__ import annotations

from . import imports

HEALTH_AGENT = b"minifal-health-check"
"""The User-Agent of our health checks (engines/health/health.ts)."""


def install(report_done) -> None:
    imports.after(lambda name: name == "uvicorn.server", lambda module: _change(module, report_done))


def _change(module, report_done) -> None:
    server = module.Server
    init, shutdown = server.__init__, server.shutdown

    class CallersOnly(module.ServerState):
        callers = 0
        # The protocols add every request to this counter, and the server compares it with the limit.
        total_requests = property(lambda self: self.callers, lambda self, value: None)

    def init_and_count(self, config, *args, **options):
        init(self, config, *args, **options)
        if config.limit_max_requests is None or config.loaded:
            return
        state = self.server_state = CallersOnly()
        load = config.load

        def load_and_count():
            load()
            config.loaded_app = _counting(config.loaded_app, state)

        config.load = load_and_count

    async def report_and_shut_down(self, *args, **options):
        # Newer releases add a random jitter to the limit. A signal that arrived meanwhile changes nothing.
        limit = getattr(self, "limit_max_requests", self.config.limit_max_requests)
        if limit is not None and self.server_state.total_requests >= limit:
            report_done()
        await shutdown(self, *args, **options)

    server.__init__ = init_and_count
    server.shutdown = report_and_shut_down


def _counting(app, state):
    async def count(scope, receive, send):
        if scope["type"] != "http" or (b"user-agent", HEALTH_AGENT) in scope["headers"]:
            await app(scope, receive, send)
            return

        async def send_and_count(message):
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                state.callers += 1

        await app(scope, receive, send_and_count)

    return count
