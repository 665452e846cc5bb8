import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';

const app = `
import asyncio
import json

import fal
from fal.exceptions import RequestCancelledException
from fastapi import HTTPException, WebSocket
from fastapi.responses import StreamingResponse
from pydantic import BaseModel


class Input(BaseModel):
    number: int
    seconds: float = 0


class Output(BaseModel):
    number: int


class Talk(fal.App, keep_alive=60, max_concurrency=1):
    machine_type = "XS"

    @fal.endpoint("/")
    async def echo(self, input: Input) -> Output:
        print(f"echo {input.number}", flush=True)
        self.sleep = asyncio.ensure_future(asyncio.sleep(input.seconds))
        try:
            await self.sleep
        except asyncio.CancelledError:
            raise RequestCancelledException("cancelled by the app")
        return Output(number=input.number)

    @fal.endpoint("/cancel")
    async def cancel(self) -> Output:
        self.sleep.cancel()
        return Output(number=0)

    @fal.endpoint("/fail")
    def fail(self, input: Input) -> Output:
        raise HTTPException(418, "a teapot")

    @fal.endpoint("/stream")
    def stream(self, input: Input) -> StreamingResponse:
        events = (f"data: {json.dumps({'number': number})}\\n\\n" for number in range(input.number))
        return StreamingResponse(events, media_type="text/event-stream")

    @fal.realtime("/realtime")
    def realtime(self, input: Input) -> Output:
        return Output(number=input.number)

    @fal.endpoint("/ws", is_websocket=True)
    async def ws(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("you said " + await websocket.receive_text())
        await websocket.close()
`;

/**
 * One program for both clients: `get` awaits the result if it is awaitable. REST has a fixed host in fal_client, which
 * is replaced as in upstream's own unit test (docs/platform/gateway.md#clients).
 */
const program = `
import asyncio, inspect, json, os, sys, fal_client, fal_client.client as module
from contextlib import asynccontextmanager

module.REST_URL = "https://" + os.environ["FAL_REST_HOST"]
app, seen = "local/talk", {}
c = getattr(fal_client, sys.argv[1])()

async def get(value):
    return await value if inspect.isawaitable(value) else value

async def each(values):
    if hasattr(values, "__aiter__"):
        async for value in values:
            yield value
    else:
        for value in values:
            yield value

@asynccontextmanager
async def opened(context):
    if hasattr(context, "__aenter__"):
        async with context as value:
            yield value
    else:
        with context as value:
            yield value

async def attempt(what, *calls):
    try:
        for call in calls:
            seen[what] = await get(call())
    except fal_client.FalClientError as error:
        seen[what] = [type(error).__name__, getattr(error, "status_code", None), getattr(error, "error_type", None)]

async def main():
    handle = await get(c.submit(app, {"number": 1, "seconds": 0.5}, hint="a", priority="low"))
    states = [type(event).__name__ async for event in each(handle.iter_events(with_logs=True))]
    seen["states"] = list(dict.fromkeys(states))
    again = await get(c.get_handle(app, handle.request_id))
    seen["results"] = [await get(call) for call in (handle.get(), again.get(), c.result(app, handle.request_id))]
    seen["logs"] = [log["message"] for log in (await get(c.status(app, handle.request_id, with_logs=True))).logs]

    busy = await get(c.submit(app, {"number": 2, "seconds": 60}))
    async for event in each(busy.iter_events()):
        if isinstance(event, fal_client.InProgress):
            break
    waiting = await get(c.submit(app, {"number": 3}))
    seen["position"] = (await get(c.status(app, waiting.request_id))).position
    await attempt("cancelled in the queue", waiting.cancel, waiting.get)
    await attempt("not started in time", lambda: c.subscribe(app, {"number": 4}, start_timeout=1.5))
    await attempt("not waited for", lambda: c.subscribe(app, {"number": 5}, start_timeout=30, client_timeout=1.5))
    await attempt("cancelled at work", lambda: c.cancel(app, busy.request_id), busy.get)
    await attempt("cancelled twice", busy.cancel)
    await attempt("failed", lambda: c.run(app, {"number": 6}, path="/fail"))
    await attempt("unknown", lambda: c.run("local/nothing", {}))

    seen["stream"] = [event["number"] async for event in each(c.stream(app, {"number": 3}))]
    for jwt in (True, False):
        async with opened(c.realtime(app, use_jwt=jwt)) as connection:
            await get(connection.send({"number": 7}))
            seen[f"realtime, token: {json.dumps(jwt)}"] = await get(connection.recv())
        async with opened(c.ws_connect(app, path="/ws", use_jwt=jwt)) as socket:
            await get(socket.send("hello"))
            seen[f"websocket, token: {json.dumps(jwt)}"] = await get(socket.recv())

asyncio.run(main())
print(json.dumps(seen))
`;

let emulator: Emulator;
let project: Project;

beforeAll(async () => {
  emulator = await startEmulator();
  project = await createProject(await pythonTools(), emulator, { 'talk.py': app });
  await project.mustFal('deploy', 'talk.py::Talk', '--app-name', 'talk');
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
});

it.each(['SyncClient', 'AsyncClient'])(
  'fal_client.%s gets what it asks for from the queue, the app and the sockets',
  async (name) => {
    expect(await project.pythonJson(program, name)).toEqual({
      states: expect.arrayContaining(['InProgress', 'Completed']),
      results: [{ number: 1 }, { number: 1 }, { number: 1 }],
      logs: expect.arrayContaining(['echo 1']),
      position: 0,
      'cancelled in the queue': ['FalClientHTTPError', 499, 'client_cancelled'],
      'not started in time': ['FalClientHTTPError', 504, 'request_timeout'],
      'not waited for': ['FalClientTimeoutError', null, null],
      // The app's own answer, not the platform's.
      'cancelled at work': ['FalClientHTTPError', 499, null],
      'cancelled twice': ['FalClientHTTPError', 400, null],
      failed: ['FalClientHTTPError', 418, null],
      unknown: ['FalClientHTTPError', 404, null],
      stream: [0, 1, 2],
      'realtime, token: true': { number: 7 },
      'realtime, token: false': { number: 7 },
      'websocket, token: true': 'you said hello',
      'websocket, token: false': 'you said hello',
    });
  },
);
