"""
The labels of log lines. The SDK sends them to the platform with isolate's SetMetadata when a request begins, and sends
empty ones when it is over (docs/platform/runner-process.md#logs). Later SDKs also set a context variable. For the SDKs
of 2025, this module sets it from the message, in the task that then writes the lines.
"""

from __future__ import annotations

import asyncio
import contextvars

from . import imports, streams

_request = contextvars.ContextVar("minifal_request", default=(None, None))


def install(context, serving) -> None:
    """`context`: the variable that `streams` reads. `serving`: is notified when requests begin and end."""

    def listen(definitions) -> None:
        _listen(definitions.IsolateStub, context, serving)

    # The SDK imports it with the first request. In an image, that takes as long as FastAPI.
    imports.after(lambda name: name == "isolate.server.definitions", listen)


def _listen(stub, context, serving) -> None:
    make = stub.__init__

    def make_and_listen(self, channel):
        make(self, channel)
        send = self.SetMetadata

        def set_metadata(request, *args, **options):
            labels = dict(request.metadata.logger_labels)
            context.set(labels)
            _follow(streams.ours(labels), serving)
            return send(request, *args, **options)

        self.SetMetadata = set_metadata

    stub.__init__ = make_and_listen


def _follow(labels: dict[str, str], serving) -> None:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    request, of_task = _request.get()
    # A task that a request started has its context, but is a different task.
    if of_task is task:
        serving.end(request)
    if not labels:
        return
    request = serving.begin(labels)
    _request.set((request, task))
    if task is not None:
        # A request whose caller disconnects midway may end without a message.
        task.add_done_callback(lambda _: serving.end(request))
