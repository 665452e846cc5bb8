"""
The labels of log lines for SDKs of 2025. They only tell them to the platform, with isolate's SetMetadata, in the task that then
writes the lines; later SDKs also set a context variable (runner-process.md §6). Here the message sets it.
"""

from __future__ import annotations


def install(context) -> None:
    """`context`: the variable that `streams` reads."""
    try:
        from isolate.server.definitions import IsolateStub
    except ImportError:
        return
    make = IsolateStub.__init__

    def make_and_listen(self, channel):
        make(self, channel)
        send = self.SetMetadata

        def set_metadata(request, *args, **options):
            context.set(dict(request.metadata.logger_labels))
            return send(request, *args, **options)

        self.SetMetadata = set_metadata

    IsolateStub.__init__ = make_and_listen
