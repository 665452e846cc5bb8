import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call, owner, submit } from '../support/http.ts';
import { freePortBlock } from '../support/ports.ts';
import { createProject, echoApp, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhooks.ts';

let dataDir: string;
let port: number;
let emulator: Emulator;
let project: Project;
let account: string;
let receiver: WebhookReceiver;

beforeAll(async () => {
  receiver = await startWebhookReceiver();
  dataDir = await mkdtemp(join(tmpdir(), 'minifal-promises-'));
  port = await freePortBlock();
  emulator = await startEmulator({ dataDir, port });
  project = await createProject(await pythonTools(), emulator, { 'echo.py': echoApp });
  await project.mustFal('deploy', 'echo.py::Echo', '--app-name', 'echo');
  account = await owner(emulator);
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
  receiver?.close();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

async function killAndRestart(): Promise<void> {
  await emulator.kill('SIGKILL');
  emulator = await startEmulator({ dataDir, port });
}

describe('promises made before kill -9 of the emulator', () => {
  it('a webhook is called with the result, and finished results are still readable', async () => {
    const finished = await submit(emulator, `${account}/echo`, { number: 5 });
    const readAgain = async () => {
      const response = await call(emulator, 'queue', `/${account}/echo/requests/${finished}`);
      return [response.status, await response.json()];
    };
    await until('it is finished', async () => (await readAgain())[0] === 200, { timeoutMs: 60_000 });
    const id = await submit(emulator, `${account}/echo?${receiver.hook}`, { number: 1, seconds: 1 });
    await killAndRestart();
    expect(await readAgain()).toEqual([200, { number: 5 }]);
    await until('the webhook is called', () => receiver.calls(id), { timeoutMs: 60_000 });
    expect(receiver.calls(id)).toMatchObject([{ request_id: id, status: 'OK', payload: { number: 1 } }]);
  });

  it('a cancelled running request is not run again, and its caller sees the cancellation', async () => {
    const id = await submit(emulator, `${account}/echo?${receiver.hook}`, { number: 4711, seconds: 60 });
    const path = `/${account}/echo/requests/${id}`;
    const lines = async () => {
      const response = await call(emulator, 'api', '/logs/?search=echo%204711', { method: 'POST' });
      return ((await response.json()) as unknown[]).length;
    };
    await until('it runs', async () => (await lines()) === 1, { timeoutMs: 60_000 });
    const cancelled = await call(emulator, 'queue', `${path}/cancel`, { method: 'PUT' });
    expect(await cancelled.json()).toEqual({ status: 'CANCELLATION_REQUESTED' });
    await killAndRestart();
    const result = await call(emulator, 'queue', path);
    expect([result.status, await result.json()]).toMatchObject([499, { error_type: 'client_cancelled' }]);
    await until('the webhook is called', () => receiver.calls(id), { timeoutMs: 60_000 });
    expect(receiver.calls(id)).toMatchObject([{ status: 'ERROR', error: 'Invalid status code: 499' }]);
    // The next request is served, so nothing of the cancelled one blocks it or ran before it.
    const next = await call(emulator, 'run', `/${account}/echo`, { body: { number: 1 } });
    expect(next.status).toBe(200);
    expect(await lines()).toBe(1);
  });

  it('a running request with X-Fal-No-Retry is not run again', async () => {
    const headers = { 'x-fal-no-retry': '1' };
    const sent = await call(emulator, 'queue', `/${account}/echo`, { body: { number: 815, seconds: 60 }, headers });
    const { request_id: id } = (await sent.json()) as { request_id: string };
    const lines = async () => {
      const response = await call(emulator, 'api', '/logs/?search=echo%20815', { method: 'POST' });
      return ((await response.json()) as unknown[]).length;
    };
    await until('it runs', async () => (await lines()) === 1, { timeoutMs: 60_000 });
    await killAndRestart();
    const result = await call(emulator, 'queue', `/${account}/echo/requests/${id}`);
    expect([result.status, await result.json()]).toMatchObject([503, { error_type: 'runner_disconnected' }]);
    const next = await call(emulator, 'run', `/${account}/echo`, { body: { number: 1 } });
    expect(next.status).toBe(200);
    expect(await lines()).toBe(1);
  });

  it('a workflow is finished without repeating finished nodes', async () => {
    const node = (id: string, number: unknown, seconds: number) => ({
      type: 'run',
      id,
      depends: [],
      app: `${account}/echo`,
      input: { number, seconds },
    });
    const contents = {
      name: 'chain',
      schema: { input: {}, output: {} },
      nodes: { a: node('a', '$input.number', 0), b: node('b', '$a.number', 1.5) },
      output: { number: '$b.number' },
      version: '0.1',
    };
    const body = { name: 'chain', title: 'Chain', contents, is_public: false };
    expect((await call(emulator, 'api', '/workflows/', { body })).status).toBe(201);
    const id = await submit(emulator, `workflows/${account}/chain?${receiver.hook}`, { number: 77 });
    const lines = async () => {
      const response = await call(emulator, 'api', '/logs/?search=echo%2077', { method: 'POST' });
      return ((await response.json()) as unknown[]).length;
    };
    // Both nodes return the same; the second takes a while.
    await until('the second node runs', async () => (await lines()) === 2, { timeoutMs: 60_000 });
    await killAndRestart();
    await until('the webhook is called', () => receiver.calls(id), { timeoutMs: 60_000 });
    expect(receiver.calls(id)).toMatchObject([{ request_id: id, status: 'OK', payload: { number: 77 } }]);
    // The second node's attempt was interrupted and repeated; the first node's was not. The last lines before a kill
    // may be lost.
    expect(await lines()).toBeLessThanOrEqual(3);
  });
});
