/**
 * Apps that files in a folder control: `Name.hold` keeps setup() waiting, `Name.broken` makes setup() of the revision
 * in the file fail, `Name.busy` keeps a request running, and so on.
 */
export const source = (control: string) => `
import os
import pathlib
import time

import fal
from fastapi import Response
from pydantic import BaseModel

CONTROL = pathlib.Path(${JSON.stringify(control)})


class Input(BaseModel):
    busy: bool = False
    status: int = 200
    headers: dict[str, str] = {}


class Output(BaseModel):
    runner: str
    revision: str


class Obedient(fal.App, keep_alive=36000, max_concurrency=1):
    machine_type = "XS"
    # For Response, whose validators do not survive the pickle by value.

    def is_set(self, what):
        return (CONTROL / f"{type(self).__name__}.{what}").exists()

    def note(self, what):
        with open(CONTROL / f"{type(self).__name__}.{what}", "a") as file:
            file.write(os.environ["FAL_JOB_ID"] + "\\n")

    def setup(self):
        self.note("setups")
        while self.is_set("hold"):
            time.sleep(0.02)
        broken = CONTROL / f"{type(self).__name__}.broken"
        if self.is_set("broken") and broken.read_text() == os.environ["FAL_APP_ID"]:
            raise RuntimeError("broken on purpose")

    def teardown(self):
        while self.is_set("cling"):
            time.sleep(0.02)
        self.note("teardowns")

    @fal.endpoint("/")
    def answer(self, input: Input, response: Response) -> Output:
        while input.busy and self.is_set("busy"):
            time.sleep(0.02)
        response.status_code = input.status
        response.headers.update(input.headers)
        return Output(runner=os.environ["FAL_JOB_ID"], revision=os.environ["FAL_APP_ID"])


class Steady(Obedient, keep_alive=36000, max_concurrency=1):
    pass


class Brief(Obedient, keep_alive=120, max_concurrency=1):
    pass


class Fragile(Obedient, keep_alive=36000, max_concurrency=2):
    def setup(self):
        try:
            with open(CONTROL / "Fragile.first", "x") as file:
                file.write(os.environ["FAL_JOB_ID"])
        except FileExistsError:
            if self.is_set("broken"):
                raise RuntimeError("broken on purpose")
        else:
            while self.is_set("hold"):
                time.sleep(0.02)


class Stubborn(Obedient, keep_alive=36000, max_concurrency=1, termination_grace_period_seconds=2):
    pass


class Pair(Obedient, keep_alive=36000, max_concurrency=2, max_multiplexing=2):
    pass


class Hasty(Obedient, keep_alive=36000, max_concurrency=1, request_timeout=2):
    pass


class Checked(Obedient, keep_alive=36000, max_concurrency=1, min_concurrency=1, startup_timeout=10):
    @fal.endpoint(
        "/alive",
        health_check=fal.HealthCheck(start_period_seconds=1, timeout_seconds=2, failure_threshold=3),
    )
    def alive(self, response: Response) -> dict:
        self.note("sick-checks" if self.is_set("sick") else "checks")
        response.status_code = 500 if self.is_set("sick") else 200
        return {}


class OnDemand(Obedient, keep_alive=36000, max_concurrency=1):
    @fal.endpoint("/alive", health_check=fal.HealthCheck(call_regularly=False))
    def alive(self, response: Response) -> dict:
        self.note("checks")
        response.status_code = 500 if self.is_set("sick") else 200
        return {}


@fal.function(machine_type="XS", exposed_port=8080, requirements=["uvicorn"], keep_alive=36000, max_concurrency=1)
def deaf():
    import os
    import socket
    import time

    server = socket.create_server(("0.0.0.0", 8080))
    while True:
        connection, _ = server.accept()
        request = connection.recv(65536)
        if request.startswith(b"POST"):
            break
        connection.sendall(b"HTTP/1.1 404 Not Found\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
        connection.close()
    server.close()
    body = os.environ["FAL_JOB_ID"].encode()
    head = f"HTTP/1.1 502 Bad Gateway\\r\\nContent-Length: {len(body)}\\r\\nConnection: close\\r\\n\\r\\n"
    connection.sendall(head.encode() + body)
    connection.close()
    time.sleep(100000)


@fal.function(machine_type="XS", exposed_port=8080, requirements=["uvicorn"], keep_alive=36000, max_concurrency=1)
def finite():
    import asyncio
    import os
    import uvicorn

    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        await asyncio.sleep(0.1)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": os.environ["FAL_JOB_ID"].encode()})

    uvicorn.run(app, host="0.0.0.0", port=8080, limit_max_requests=3, lifespan="off")
`;
