"""What a supervisor imports before it forks runners: libraries that the SDK's own apps use, and never user code."""

from __future__ import annotations

import importlib

NAMES = (
    "fastapi", "starlette.middleware.cors", "starlette_exporter", "uvicorn.protocols.http.auto", "uvicorn.lifespan.on",
    "uvicorn.loops.auto", "uvicorn.protocols.websockets.auto", "pydantic", "structlog", "httpx",
    "packaging.requirements",
    "tblib.pickling_support", "tomli", "tomli_w", "cloudpickle", "grpc", "grpc.aio", "websockets", "msgpack",
    "isolate", "isolate.server.definitions", "asyncio", "multiprocessing", "concurrent.futures.thread",
)  # fmt: skip
"""None of them opens a device or starts a thread on import."""


def preload() -> None:
    for name in NAMES:
        try:
            importlib.import_module(name)
        except BaseException:
            # Missing or broken in this environment: the app reports that itself if it needs the module.
            continue
