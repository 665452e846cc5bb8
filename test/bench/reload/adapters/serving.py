"""Serves an app of the SDK's form with FastAPI."""

import contextlib

from fal.exceptions import FieldException
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient


def serve(cls) -> FastAPI:
    """Its endpoints at their paths."""
    instance = cls()

    @contextlib.asynccontextmanager
    async def life(_):
        instance.setup()
        yield
        instance.teardown()

    app = FastAPI(lifespan=life)
    for name, function in vars(cls).items():
        if path := getattr(function, "path", None):
            app.post(path)(getattr(instance, name))

    @app.exception_handler(FieldException)
    async def refuse(_, error):
        return JSONResponse({"detail": error.detail}, 422)

    return app


def caller(cls):
    """For servers with routes of their own: a function that calls an endpoint."""
    client = TestClient(serve(cls), raise_server_exceptions=False)
    client.__enter__()

    def call(path, body):
        answer = client.post(path, json=body)
        return {"status": answer.status_code, "text": answer.text}

    return call
