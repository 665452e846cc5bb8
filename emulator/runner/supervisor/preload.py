"""What a supervisor imports before it forks runners: libraries of the SDK's own apps, and never user code."""

from __future__ import annotations

import importlib

NAMES = (
    "fastapi", "starlette.middleware.cors", "starlette_exporter", "uvicorn.protocols.http.auto", "uvicorn.lifespan.on",
    "uvicorn.loops.auto", "uvicorn.protocols.websockets.auto", "pydantic", "structlog", "httpx",
    "packaging.requirements",
    "tblib.pickling_support", "tomli", "tomli_w", "cloudpickle", "grpc", "grpc.aio", "websockets", "msgpack",
    "isolate", "isolate.server.definitions", "asyncio", "multiprocessing", "concurrent.futures.thread",
)  # fmt: skip
"""None opens a device or starts a thread when it is imported."""


def preload() -> None:
    for name in NAMES:
        try:
            importlib.import_module(name)
        except BaseException:
            # Not in this environment, or broken there: the app will tell if it needs it.
            continue
