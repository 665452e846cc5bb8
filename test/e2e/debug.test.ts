import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startLoader } from '../../emulator/reload/loader-process.ts';
import type { LoaderEvent } from '../../emulator/reload/messages.ts';
import { runnerDetailSchema } from '../../emulator/wire/live.ts';
import { debugToolsSchema } from '../../emulator/wire/runner-debug.ts';
import { runnerStacksSchema } from '../../emulator/wire/runner-stacks.ts';
import { type Dap, startDap } from '../support/dap.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { cpuSeconds } from '../support/procfs.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

const requestTimeout = 3;
const app = `
import os

import fal
from fastapi.responses import StreamingResponse

import helper


class Demo(fal.App, keep_alive=36000, max_multiplexing=4, request_timeout=${requestTimeout}):
    machine_type = "XS"
    local_python_modules = ["helper"]

    def setup(self):
        self.model = "loaded"
        self.ready = True  # in setup

    @fal.endpoint(
        "/alive",
        health_check=fal.HealthCheck(start_period_seconds=1, timeout_seconds=1, failure_threshold=1),
    )
    def alive(self) -> dict:
        return {}

    @fal.endpoint("/")
    def main(self) -> dict:
        seen = "from main"
        return {"pid": os.getpid(), "seen": seen}  # in main

    @fal.endpoint("/other")
    def other(self) -> dict:
        return {"pid": os.getpid()}

    @fal.endpoint("/loop")
    async def loop(self) -> dict:
        seen = "from the loop"
        return {"seen": seen}  # in loop

    @fal.endpoint("/stream")
    def stream(self) -> StreamingResponse:
        def pieces():
            for n in range(2):
                yield f"data: {n}\\n\\n"  # in stream
        return StreamingResponse(pieces(), media_type="text/event-stream")

    @fal.endpoint("/helped")
    def helped(self) -> dict:
        return {"sum": helper.add(1, 2)}
`;
const helper = `
def add(a, b):
    return a + b  # in helper
`;

const deployed = 'debugged';
const token = randomBytes(16).toString('hex');
/** Health checks every 0.75 s. */
const timeScale = 20;
let emulator: Emulator;
let project: Project;
let daps: Dap[] = [];

beforeAll(async () => {
  emulator = await startEmulator({ args: ['--time-scale', String(timeScale)] });
  project = await createProject(await pythonTools(), emulator, { 'app.py': app, 'helper.py': helper });
  await project.mustFal('deploy', 'app.py::Demo', '--app-name', deployed, '--auth', 'private');
}, 120_000);
afterEach(async () => {
  for (const dap of daps) await dap.close();
  daps = [];
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
});

function asOwner(path: string, init: RequestInit = {}, port = emulator.ports.api): Promise<Response> {
  const headers = { authorization: emulator.authorization, 'content-type': 'application/json' };
  return fetch(`http://localhost:${port}${path}`, { ...init, headers });
}

async function send(method: string, path: string, body: object = {}, port = emulator.ports.api) {
  const response = await asOwner(path, { method, body: JSON.stringify(body) }, port);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const call = (path = '/', alias = deployed) =>
  asOwner(`/local/${alias}${path}`, { method: 'POST', body: '{}' }, emulator.ports.run).then(async (response) => ({
    status: response.status,
    text: await response.text(),
  }));

const pidOf = async (alias: string) => Number((JSON.parse((await call('/other', alias)).text) as { pid: number }).pid);

async function lineOf(mark: string, file = 'app.py'): Promise<number> {
  const lines = (await readFile(join(project.folder, file), 'utf8')).split('\n');
  return lines.findIndex((line) => line.endsWith(`# in ${mark}`)) + 1;
}

async function runnersOf(alias: string): Promise<readonly string[]> {
  const { runners } = (await (await asOwner('/minifal/status')).json()) as { runners: { id: string; alias: string }[] };
  return runners.filter((runner) => runner.alias === alias).map(({ id }) => id);
}

async function runnerOf(alias = deployed): Promise<string> {
  return until(`${alias} has a runner`, async () => (await runnersOf(alias))[0]);
}

const rowOf = async (id: string) => runnerDetailSchema.parse(await (await asOwner(`/minifal/runners/${id}`)).json());

const untilDebug = (id: string, state: string | null) =>
  until(`the debugger is ${state}`, async () => {
    const row = await rowOf(id);
    return row.debug === state && row;
  });

async function adapter(): Promise<Dap> {
  const { status, body } = await send('POST', '/minifal/debug/tools');
  expect([status, body.detail]).toEqual([200, undefined]);
  const dap = await startDap(debugToolsSchema.parse(body), token);
  daps.push(dap);
  return dap;
}

async function connect(id: string, dap: Dap): Promise<void> {
  await until('the runner connects', async () => {
    const { status, body } = await send('POST', `/minifal/runners/${id}/debug`, { port: dap.port, token });
    // The end of an earlier session has yet to be noticed.
    if (status === 409) return false;
    expect(body).toEqual({ outcome: 'connected' });
    return true;
  });
}

/** Attaches to a runner, with breakpoints at the marks of app.py and helper.py. */
async function attach(id: string, ...marks: readonly string[]): Promise<Dap> {
  const dap = await adapter();
  await connect(id, dap);
  const lines = await Promise.all(marks.filter((mark) => mark !== 'helper').map((mark) => lineOf(mark)));
  const helped = marks.includes('helper') ? [await lineOf('helper', 'helper.py')] : [];
  await dap.attach({ [join(project.folder, 'app.py')]: lines, [join(project.folder, 'helper.py')]: helped });
  return dap;
}

describe('a debugger of a runner that serves', () => {
  it('stops in a direct call, while another endpoint and health checks answer', async () => {
    await call('/other');
    const id = await runnerOf();
    const dap = await attach(id, 'main');
    expect(await untilDebug(id, 'attached')).toMatchObject({ debugSince: expect.any(Number) });
    const answer = call();
    const stop = await dap.stopped();
    expect(stop).toMatchObject({ file: join(project.folder, 'app.py'), line: await lineOf('main') });
    expect((await dap.variables(stop.id)).get('seen')).toBe("'from main'");
    await untilDebug(id, 'paused');
    expect(await call('/other')).toMatchObject({ status: 200 });
    expect(await call('/alive')).toMatchObject({ status: 200 });
    const { threads } = runnerStacksSchema.parse(await (await asOwner(`/minifal/runners/${id}/stacks`)).json());
    expect(threads.flatMap((thread) => thread.frames)).toContainEqual({
      file: join(project.folder, 'app.py'),
      line: await lineOf('main'),
      function: expect.stringMatching(/main$/),
      user: true,
    });
    expect(threads.flatMap((thread) => thread.frames).filter(({ file }) => file.includes('debugpy'))).toEqual([]);
    expect(threads.filter(({ request }) => request !== null).map(({ idle }) => idle)).toEqual([false]);
    await dap.resume(stop.threadId);
    expect(await answer).toMatchObject({ status: 200 });
    await untilDebug(id, 'attached');
    await dap.detach();
    await untilDebug(id, null);
  });

  it('is attached also while other programs hold connections to its port', async () => {
    const id = await runnerOf();
    const dap = await adapter();
    const others = ['', 'GET / HTTP/1.1\r\n\r\n', 'Content-Length: 99999999\r\n\r\n{'].map((text) => {
      const socket = createConnection(dap.port, '127.0.0.1');
      socket.on('error', () => undefined).write(text);
      return socket;
    });
    try {
      await Promise.all(others.map((socket) => socket.readyState === 'open' || once(socket, 'connect')));
      await connect(id, dap);
      await dap.attach({ [join(project.folder, 'app.py')]: [await lineOf('main')] });
      const answer = call();
      await dap.resume((await dap.stopped()).threadId);
      expect(await answer).toMatchObject({ status: 200 });
      await dap.detach();
    } finally {
      for (const socket of others) socket.destroy();
    }
  });

  it('stops a whole app for longer than its limits, and the request is then answered', async () => {
    const id = await runnerOf();
    const dap = await attach(id, 'loop');
    const answer = call('/loop');
    const stop = await dap.stopped();
    await untilDebug(id, 'paused');
    // Longer than the request may take, and than several health checks that would each end the runner.
    await delay((requestTimeout + 1) * 1000);
    await dap.resume(stop.threadId);
    expect(await answer).toEqual({ status: 200, text: '{"seen":"from the loop"}' });
    expect(await runnersOf(deployed)).toEqual([id]);
    await dap.detach();
  });

  it('stops in a queued call, in a streaming one, and in a module of the app', async () => {
    const id = await runnerOf();
    const dap = await attach(id, 'main', 'stream', 'helper');
    const queued = await send('POST', `/local/${deployed}/`, {}, emulator.ports.queue);
    const stop = await dap.stopped();
    expect(stop.line).toBe(await lineOf('main'));
    await dap.resume(stop.threadId);
    const path = `/local/${deployed}/requests/${queued.body.request_id}`;
    const result = await until('the queued call is answered', async () => {
      const response = await asOwner(path, {}, emulator.ports.queue);
      return response.status === 200 && ((await response.json()) as object);
    });
    expect(result).toMatchObject({ seen: 'from main' });

    const streamed = call('/stream');
    for (const n of [0, 1]) {
      const { threadId, line, id: frame } = await dap.stopped();
      expect([line, (await dap.variables(frame)).get('n')]).toEqual([await lineOf('stream'), String(n)]);
      await dap.resume(threadId);
    }
    expect(await streamed).toMatchObject({ status: 200, text: expect.stringContaining('data: 1') });

    const helped = call('/helped');
    const inModule = await dap.stopped();
    expect(inModule).toMatchObject({
      file: join(project.folder, 'helper.py'),
      line: await lineOf('helper', 'helper.py'),
    });
    await dap.resume(inModule.threadId);
    expect(await helped).toEqual({ status: 200, text: '{"sum":3}' });
    await dap.detach();
  });

  it('is one at a time, and none whose token differs; after it, requests cost what they did before', async () => {
    const id = await runnerOf();
    const pid = await pidOf(deployed);
    const cost = async (): Promise<number> => {
      const before = cpuSeconds(pid);
      for (let n = 0; n < 200; n++) await call('/other');
      return cpuSeconds(pid) - before;
    };
    await until('the session before has ended', async () => (await rowOf(id)).debug === null);
    const without = await cost();
    const dap = await attach(id, 'main');
    const second = await adapter();
    const refused = await send('POST', `/minifal/runners/${id}/debug`, { port: second.port, token });
    expect(refused).toMatchObject({ status: 409, body: { code: 'DEBUG_ATTACHED' } });
    const attached = await cost();
    await dap.detach();
    await untilDebug(id, null);
    const detached = await cost();
    const show = (seconds: number) => `${(seconds * 5).toFixed(2)} ms`;
    console.log(`CPU of a request: ${show(without)}, attached ${show(attached)}, detached ${show(detached)}`);

    const strict = await adapter();
    await send('POST', `/minifal/runners/${id}/debug`, { port: strict.port, token: randomBytes(16).toString('hex') });
    await untilDebug(id, null);
    expect(await call('/other')).toMatchObject({ status: 200 });
  });
});

// Doesn't always get to the stop in setup() on a loaded machine; until it is known why, only with the slow tests.
describe.runIf(process.env.MINIFAL_SLOW === '1')('an app of `minifal run --debug`', () => {
  it('waits before its code is loaded, stops in setup(), and keeps its debugger when its code is changed', async () => {
    const { python, env } = await pythonTools();
    const events: LoaderEvent[] = [];
    const loader = startLoader({
      ...{ python, cwd: project.folder, env: { ...env(emulator.env), MINIFAL_RUN_DEBUG: 'wait' } },
      ...{ onEvent: (event) => void events.push(event), onTrouble: () => undefined },
    });
    const live = new AbortController();
    await asOwner('/minifal/events', { signal: live.signal });
    try {
      loader.order({ op: 'serve', argv: ['app.py::Demo'] });
      const alias = await until('the app is served', () => events.find((event) => event.event === 'serving')?.alias);
      const id = await runnerOf(alias);
      await untilDebug(id, 'waiting');
      const dap = await attach(id, 'setup', 'main');
      const inSetup = await dap.stopped();
      expect(inSetup.line).toBe(await lineOf('setup'));
      await dap.resume(inSetup.threadId);
      // Before it is ready, a save would replace it by another runner, which waits again.
      await until('the runner is ready', async () => (await rowOf(id)).state === 'IDLE');

      const file = join(project.folder, 'app.py');
      const source = await readFile(file, 'utf8');
      const changed = source.replace('seen = "from main"', 'more = 1\n        seen = f"changed {more}"');
      await writeFile(file, changed);
      loader.order({ op: 'load', id: 1, cause: file, fresh: false, swap: true });
      const loaded = await until('the save is imported', () => events.find((event) => event.event === 'loaded'));
      const body = { ...loaded, cause: { file: 'app.py' } };
      const swapped = await send('POST', `/minifal/runs/${alias}/reload`, body);
      expect(swapped).toMatchObject({ status: 200, body: { outcome: 'swapped' } });
      await dap.setBreakpoints(file, [await lineOf('main')]);
      const answer = call('/', alias);
      const stop = await dap.stopped();
      expect(stop.line).toBe(await lineOf('main'));
      expect((await dap.variables(stop.id)).get('seen')).toBe("'changed 1'");

      process.kill(await pidOf(alias), 'SIGKILL');
      expect((await answer).status).toBeGreaterThanOrEqual(500);
      await until('the runner has ended', async () => (await rowOf(id)).endedAt !== null);
      const next = await until('another one starts', async () =>
        (await runnersOf(alias)).find((other) => other !== id),
      );
      await untilDebug(next, 'waiting');
      expect(await send('PUT', `/minifal/runs/${alias}/debug`, { wait: false })).toMatchObject({ status: 200 });
      await untilDebug(next, null);
      expect(await call('/', alias)).toMatchObject({ status: 200 });
      await writeFile(file, source);
    } finally {
      live.abort();
      loader.interrupt();
      await loader.ended;
    }
  });
});
