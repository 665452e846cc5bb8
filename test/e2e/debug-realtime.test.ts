import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import type { Dap } from '../support/dap.ts';
import { debuggedLab } from '../support/debugged.ts';

const requestTimeout = 10;
const app = `
import fal
from fastapi import WebSocket
from pydantic import BaseModel


class Word(BaseModel):
    word: str


class Demo(fal.App, keep_alive=36000, max_multiplexing=4, request_timeout=${requestTimeout}):
    machine_type = "XS"

    @fal.realtime("/realtime")
    def realtime(self, input: Word) -> Word:
        return Word(word="heard " + input.word)  # in realtime

    @fal.endpoint("/ws", is_websocket=True)
    async def ws(self, socket: WebSocket) -> None:
        await socket.accept()
        word = await socket.receive_text()
        await socket.send_text("you said " + word)  # in ws
        await socket.close()

    @fal.endpoint("/other")
    def other(self) -> dict:
        return {}
`;

/** REST has a fixed host in fal_client, which is replaced (docs/platform/gateway.md#clients). */
const client = `
import os, sys, fal_client
fal_client.client.REST_URL = "https://" + os.environ["FAL_REST_HOST"]
app = sys.argv[1]
`;
const realtimeClient = `${client}
with fal_client.realtime(app) as connection:
    for word in ("one", "two"):
        connection.send({"word": word})
        print(connection.recv()["word"])
`;
const websocketClient = `${client}
with fal_client.ws_connect(app, path="/ws") as connection:
    connection.send("hello")
    print(connection.recv())
`;

const deployed = 'debugged';
const lab = debuggedLab({ 'app.py': app }, { deploy: deployed });
let id: string;

beforeAll(async () => {
  expect(await lab.on.call(deployed, '/other')).toMatchObject({ status: 200 });
  id = await lab.on.runnerOf(deployed);
});

/** A client that runs, and the next stop: a client that ends before it is an error, with what it printed. */
function talking(dap: Dap, program: string) {
  const talk = lab.project.python(program, `local/${deployed}`);
  const early = talk.then((done) => {
    throw new Error(`the client ended without a stop: ${JSON.stringify(done)}`);
  });
  early.catch(() => undefined);
  return { talk, stopped: () => Promise.race([dap.stopped(), early]) };
}

it('stops in each message of a realtime call, for longer than a request may take', async () => {
  const dap = await lab.on.attach(id, { 'app.py': ['realtime'] });
  const { talk, stopped } = talking(dap, realtimeClient);
  for (const word of ['one', 'two']) {
    const stop = await stopped();
    expect(stop.line).toBe(await lab.on.lineOf('realtime'));
    expect((await dap.variables(stop.id)).get('input')).toBe(`Word(word='${word}')`);
    await lab.on.untilDebug(id, 'paused');
    expect(await lab.on.call(deployed, '/other')).toMatchObject({ status: 200 });
    if (word === 'one') await delay((requestTimeout + 1) * 1000);
    await dap.resume(stop.threadId);
  }
  expect(await talk).toMatchObject({ code: 0, stdout: 'heard one\nheard two\n' });
  await dap.detach();
  await lab.on.untilDebug(id, null);
});

it('stops in a websocket, which stays open', async () => {
  const dap = await lab.on.attach(id, { 'app.py': ['ws'] });
  const { talk, stopped } = talking(dap, websocketClient);
  const stop = await stopped();
  expect(stop.line).toBe(await lab.on.lineOf('ws'));
  expect((await dap.variables(stop.id)).get('word')).toBe("'hello'");
  await lab.on.untilDebug(id, 'paused');
  await dap.resume(stop.threadId);
  expect(await talk).toMatchObject({ code: 0, stdout: 'you said hello\n' });
  await dap.detach();
  await lab.on.untilDebug(id, null);
});
