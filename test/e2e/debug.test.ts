import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { debugToolsSchema } from '../../emulator/wire/runner-debug.ts';
import { runnerStacksSchema } from '../../emulator/wire/runner-stacks.ts';
import { type Dap, startDap } from '../support/dap.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

const app = `
import os
import time

import fal
from fastapi.responses import StreamingResponse

import helper


class Demo(fal.App, keep_alive=60, max_multiplexing=4):
    machine_type = "XS"
    local_python_modules = ["helper"]

    def setup(self):
        self.model = "loaded"  # in setup

    @fal.endpoint("/")
    def main(self) -> dict:
        seen = "from main"
        return {"pid": os.getpid(), "seen": seen}  # in main

    @fal.endpoint("/other")
    def other(self) -> dict:
        return {"other": True}

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

let emulator: Emulator;
let project: Project;
let daps: Dap[] = [];
const token = randomBytes(16).toString('hex');

beforeAll(async () => {
  emulator = await startEmulator();
  project = await createProject(await pythonTools(), emulator, { 'app.py': app, 'helper.py': helper });
  await project.mustFal('deploy', 'app.py::Demo', '--app-name', 'debugged', '--auth', 'private');
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

async function post(path: string, body: object = {}): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await asOwner(path, { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const call = (path = '/') =>
  asOwner(`/local/debugged${path}`, { method: 'POST', body: '{}' }, emulator.ports.run).then(async (response) => ({
    status: response.status,
    text: await response.text(),
  }));

async function lineOf(mark: string, file = 'app.py'): Promise<number> {
  const lines = (await readFile(join(project.folder, file), 'utf8')).split('\n');
  return lines.findIndex((line) => line.endsWith(`# ${mark}`)) + 1;
}

async function runnerId(): Promise<string> {
  const { runners } = (await (await asOwner('/minifal/status')).json()) as { runners: { id: string }[] };
  const [runner] = runners;
  if (!runner) throw new Error('no runner');
  return runner.id;
}

async function adapter(): Promise<Dap> {
  const tools = await post('/minifal/debug/tools');
  expect(tools).toMatchObject({ status: 200 });
  const dap = await startDap(debugToolsSchema.parse(tools.body), token);
  daps.push(dap);
  return dap;
}

/** Attaches to the only runner, with breakpoints at the marks of app.py. */
async function attach(...marks: readonly string[]): Promise<Dap> {
  const dap = await adapter();
  const id = await runnerId();
  await until('the runner connects', async () => {
    const { status, body } = await post(`/minifal/runners/${id}/debug`, { port: dap.port, token });
    // The end of an earlier session has yet to be noticed.
    if (status === 409) return false;
    expect(body).toEqual({ outcome: 'connected' });
    return true;
  });
  await dap.attach({ [join(project.folder, 'app.py')]: await Promise.all(marks.map((mark) => lineOf(mark))) });
  return dap;
}

describe('a debugger of a runner that serves', () => {
  it('stops in a direct call, while another endpoint and health checks answer', async () => {
    await call('/other');
    const dap = await attach('in main');
    const answer = call();
    const stop = await dap.stopped();
    expect(stop).toMatchObject({ file: join(project.folder, 'app.py'), line: await lineOf('in main') });
    expect((await dap.variables(stop.id)).get('seen')).toBe("'from main'");
    expect(await call('/other')).toMatchObject({ status: 200 });
    const { threads } = runnerStacksSchema.parse(
      await (await asOwner(`/minifal/runners/${await runnerId()}/stacks`)).json(),
    );
    const frames = threads.flatMap((thread) => thread.frames);
    expect(frames).toContainEqual({
      file: join(project.folder, 'app.py'),
      line: await lineOf('in main'),
      function: expect.stringMatching(/main$/),
      user: true,
    });
    await dap.resume(stop.threadId);
    expect(await answer).toMatchObject({ status: 200 });
    await dap.detach();
  });

  it('connects to one adapter at a time, and again after a detach', async () => {
    const first = await attach();
    const second = await adapter();
    const refused = await post(`/minifal/runners/${await runnerId()}/debug`, { port: second.port, token });
    expect(refused).toMatchObject({ status: 409, body: { code: 'DEBUG_ATTACHED' } });
    await first.detach();
    const again = await attach('in stream');
    const answer = call('/stream');
    for (const n of [0, 1]) {
      const { threadId, line, id } = await again.stopped();
      expect([line, (await again.variables(id)).get('n')]).toEqual([await lineOf('in stream'), String(n)]);
      await again.resume(threadId);
    }
    expect(await answer).toMatchObject({ status: 200, text: expect.stringContaining('data: 1') });
    await again.detach();
  });
});
