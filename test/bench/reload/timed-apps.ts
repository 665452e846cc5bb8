/**
 * The same app for each kind of server. Its setup() connects to a port, which says that the imports are done, and
 * sleeps.
 */
export interface TimedApp {
  readonly setupSeconds: number;
  readonly setupPort: number;
  readonly answer: string;
}

const setUp = ({ setupSeconds, setupPort }: TimedApp, indent: string): string =>
  [`socket.create_connection(("127.0.0.1", ${setupPort})).close()`, `time.sleep(${setupSeconds})`].join(`\n${indent}`);

export const timedApps = {
  fal: (app: TimedApp) => `import socket
import time

import fal
from pydantic import BaseModel


class Input(BaseModel):
    name: str


class Demo(fal.App, keep_alive=600):
    machine_type = "XS"

    def setup(self):
        ${setUp(app, '        ')}

    @fal.endpoint("/")
    def main(self, input: Input) -> dict:
        return {"message": f"${app.answer}, {input.name}!"}
`,
  fastapi: (app: TimedApp) => `import socket
import sys
import time
from contextlib import asynccontextmanager

from fastapi import FastAPI
from pydantic import BaseModel


class Input(BaseModel):
    name: str


@asynccontextmanager
async def setup(_):
    ${setUp(app, '    ')}
    yield


app = FastAPI(lifespan=setup)


@app.post("/")
def main(input: Input) -> dict:
    return {"message": f"${app.answer}, {input.name}!"}


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, port=int(sys.argv[1]))
`,
  litserve: (app: TimedApp) => `import socket
import sys
import time

import litserve as ls


class Demo(ls.LitAPI):
    def setup(self, device):
        ${setUp(app, '        ')}

    def decode_request(self, request):
        return request["name"]

    def predict(self, name):
        return {"message": f"${app.answer}, {name}!"}

    def encode_response(self, output):
        return output


if __name__ == "__main__":
    ls.LitServer(Demo(api_path="/"), accelerator="cpu").run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False
    )
`,
  bentoml: (app: TimedApp) => `import socket
import time

import bentoml


@bentoml.service
class service:
    def __init__(self):
        ${setUp(app, '        ')}

    @bentoml.api(route="/")
    def main(self, name: str) -> dict:
        return {"message": f"${app.answer}, {name}!"}
`,
};
