import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call, owner, submit } from '../support/http.ts';
import { freePortBlock } from '../support/ports.ts';
import { createProject, echoApp, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhooks.ts';

const apps = `
import time

import fal
from fastapi import BackgroundTasks, WebSocket


class Shaky(fal.App, name="shaky", keep_alive=120, max_concurrency=1):
    machine_type = "XS"

    @fal.endpoint("/bad")
    def bad(self) -> dict:
        # Some frames deep, as in any model library: uvicorn prints them after the answer, and closes only then.
        def layer(n: int) -> None:
            if n == 0:
                raise ValueError("an ordinary bug")
            layer(n - 1)

        layer(80)
        return {}

    @fal.endpoint("/late")
    def late(self, tasks: BackgroundTasks) -> dict:
        def fail() -> None:
            raise ValueError("behind a good answer")

        tasks.add_task(fail)
        return {}

    @fal.endpoint("/good")
    def good(self) -> dict:
        return {"ok": True}

    @fal.endpoint("/ws", is_websocket=True)
    async def ws(self, websocket: WebSocket) -> None:
        offered = websocket.scope.get("subprotocols") or []
        await websocket.accept(subprotocol="chat.v2" if "chat.v2" in offered else None)
        await websocket.send_json({"offered": offered})
        await websocket.close(4001, "that was all")


class Slow(fal.App, name="slow", keep_alive=120, max_concurrency=1, startup_timeout=2):
    machine_type = "XS"

    def setup(self):
        time.sleep(3600)

    @fal.endpoint("/")
    def answer(self) -> dict:
        return {}
`;

vi.setConfig({ testTimeout: 90_000 });

let dataDir: string;
let port: number;
let emulator: Emulator;
let project: Project;
let account: string;
let receiver: WebhookReceiver;

beforeAll(async () => {
  receiver = await startWebhookReceiver();
  dataDir = await mkdtemp(join(tmpdir(), 'minifal-gateway-e2e-'));
  port = await freePortBlock();
  emulator = await startEmulator({ dataDir, port });
  project = await createProject(await pythonTools(), emulator, { 'apps.py': apps, 'echo.py': echoApp });
  await project.mustFal('deploy', 'apps.py::Shaky');
  await project.mustFal('deploy', 'apps.py::Slow');
  await project.mustFal('deploy', 'echo.py::Echo', '--app-name', 'echo');
  account = await owner(emulator);
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
  receiver?.close();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

const shaky = async (path: string): Promise<readonly [number, string | null]> => {
  const response = await call(emulator, 'run', `/${account}/shaky${path}`, { body: {} });
  await response.arrayBuffer();
  return [response.status, response.headers.get('x-fal-served-from')];
};

describe('an app that fails occasionally', () => {
  it.each([
    ['its handler raises', '/bad', 500],
    ['a background task of it raises', '/late', 200],
  ])('keeps its runner, which serves the next call: %s', async (_, path, status) => {
    const [, runner] = await shaky('/good');
    const seen: unknown[] = [];
    for (let n = 0; n < 30; n++) seen.push(await shaky(path), await shaky('/good'));
    const right = Array.from({ length: 30 }, () => [
      [status, runner],
      [200, runner],
    ]).flat();
    expect(seen).toEqual(right);
  });

  it('keeps its runner with a backlog in the queue, without a retry', async () => {
    const [, runner] = await shaky('/good');
    const headers = { 'x-fal-no-retry': '1' };
    const ids = await Promise.all(
      Array.from({ length: 20 }, (_, n) => submit(emulator, `${account}/shaky/${n % 2 ? 'good' : 'bad'}`, {}, headers)),
    );
    const results = ids.map((id) =>
      until('it is finished', async () => {
        const result = await call(emulator, 'queue', `/${account}/shaky/requests/${id}`);
        await result.arrayBuffer();
        return result.status !== 400 && [result.status, result.headers.get('x-fal-served-from')];
      }),
    );
    expect(await Promise.all(results)).toEqual(ids.map((_, n) => [n % 2 ? 200 : 500, runner]));
  });
});

it('an app sees all offered subprotocols; its last message and the words of its close arrive', async () => {
  const seen = await project.pythonJson(`
import asyncio, json, os, ssl, websockets

async def main():
    async with websockets.connect(
        f"wss://{os.environ['FAL_RUN_HOST']}/${account}/shaky/ws",
        additional_headers={"Authorization": "Key " + os.environ["FAL_KEY"]},
        subprotocols=["chat.v2", "bearer.s3cret"], ssl=ssl.create_default_context(),
    ) as ws:
        first = json.loads(await ws.recv())
        await ws.wait_closed()
        print(json.dumps([ws.subprotocol, first["offered"], ws.close_code, ws.close_reason]))

asyncio.run(main())
`);
  expect(seen).toEqual(['chat.v2', ['chat.v2', 'bearer.s3cret'], 4001, 'that was all']);
});

it('a large upload to a mistyped path, method or key is answered, also in proxy mode', async () => {
  const statuses = await project.pythonJson(`
import json, os, ssl, httpx

run, api = os.environ["FAL_RUN_HOST"], os.environ["FAL_REST_HOST"]
good, bad = {"authorization": "Key " + os.environ["FAL_KEY"]}, {"authorization": "Key no:key"}
body = b"x" * 20_000_000
seen = []
with httpx.Client(verify=ssl.create_default_context(), timeout=20) as client:
    for _ in range(5):
        for method, path, headers in [
            ("POST", "shaky/mistyped", good), ("PUT", "shaky/good", good),
            ("POST", "shaky/good", bad), ("POST", "nobody", good),
        ]:
            target = f"https://{run}/${account}/{path}"
            seen.append(client.request(method, target, headers=headers, content=body).status_code)
            proxied = {**headers, "x-fal-target-url": target}
            answer = client.request(method, f"https://{api}/api/fal/proxy", headers=proxied, content=body)
            seen.append(answer.status_code)
print(json.dumps(seen))
`);
  expect(statuses).toEqual(Array(5).fill([404, 404, 405, 405, 401, 401, 404, 404]).flat());
});

it('a direct call to an app that never gets ready in time is answered with 504 startup_timeout', async () => {
  const response = await call(emulator, 'run', `/${account}/slow`, { body: {} });
  expect([response.status, response.headers.get('x-fal-error-type')]).toEqual([504, 'startup_timeout']);
  expect(await response.json()).toMatchObject({ error_type: 'startup_timeout' });
});

describe('`minifal stop` while requests run', () => {
  const lines = async (number: number) => {
    const response = await call(emulator, 'api', `/logs/?search=echo%20${number}`, { method: 'POST' });
    return ((await response.json()) as unknown[]).length;
  };

  it('lets them finish, refuses new ones, and does not run them again', async () => {
    const id = await submit(emulator, `${account}/echo?${receiver.hook}`, { number: 31, seconds: 3 });
    const direct = call(emulator, 'run', `/${account}/echo`, { body: { number: 32, seconds: 3 } });
    await until('both run', async () => (await lines(31)) + (await lines(32)) === 2, { timeoutMs: 60_000 });
    const stopped = emulator.kill('SIGTERM');
    await until('it says so', () => /2 requests are running and may take 5 s to finish/.test(emulator.logText()));
    const refused = await call(emulator, 'run', `/${account}/echo`, { body: { number: 33 } });
    expect([refused.status, await refused.json()]).toMatchObject([
      503,
      { detail: expect.stringMatching(/^The emulator is stopping/) },
    ]);
    expect(await submit(emulator, `${account}/echo`, { number: 34 })).toBeUndefined();
    const answer = await direct;
    expect([answer.status, await answer.json()]).toEqual([200, { number: 32 }]);
    await stopped;

    emulator = await startEmulator({ dataDir, port });
    const result = await call(emulator, 'queue', `/${account}/echo/requests/${id}`);
    expect([result.status, await result.json()]).toEqual([200, { number: 31 }]);
    await until('the webhook was called', () => receiver.calls(id), { timeoutMs: 60_000 });
    const next = await call(emulator, 'run', `/${account}/echo`, { body: { number: 35 } });
    expect(next.status).toBe(200);
    expect(await Promise.all([31, 32, 33, 34, 35].map(lines))).toEqual([1, 1, 0, 0, 1]);
    expect(receiver.calls(id)).toMatchObject([{ status: 'OK', payload: { number: 31 } }]);
  });

  it('ends immediately at a second signal; accepted requests run after the next start', async () => {
    const id = await submit(emulator, `${account}/echo`, { number: 41, seconds: 3 });
    await until('it runs', async () => (await lines(41)) === 1, { timeoutMs: 60_000 });
    const stopped = emulator.kill('SIGTERM');
    await until('it says so', () => /A request is running and may take 5 s to finish/.test(emulator.logText()));
    await emulator.kill('SIGINT');
    await stopped;
    expect(emulator.logText()).toContain('minifal stopped without waiting');
    emulator = await startEmulator({ dataDir, port });
    const result = await until(
      'it is finished',
      async () => {
        const response = await call(emulator, 'queue', `/${account}/echo/requests/${id}`);
        const body: unknown = await response.json();
        return response.status !== 400 && [response.status, body];
      },
      { timeoutMs: 60_000 },
    );
    expect(result).toEqual([200, { number: 41 }]);
    expect(await lines(41)).toBe(2);
  });
});
