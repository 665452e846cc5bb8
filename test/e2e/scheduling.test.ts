import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { type Status, statusSchema } from '../../emulator/wire/status.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call, owner, submit } from '../support/http.ts';
import { commandLine, processTree } from '../support/procfs.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

/** Requests record that they run, and on request wait while the file `hold` exists. */
const source = (control: string) => `
import os
import pathlib
import time

import fal
from fastapi import Response
from pydantic import BaseModel

CONTROL = pathlib.Path(${JSON.stringify(control)})


class Input(BaseModel):
    name: str = ""
    hold: bool = False
    status: int = 200


class Output(BaseModel):
    runner: str


class Obedient(fal.App, keep_alive=36000, max_concurrency=1):
    machine_type = "XS"

    @fal.endpoint("/")
    def answer(self, input: Input, response: Response) -> Output:
        with open(CONTROL / "order", "a") as file:
            file.write(input.name + "\\n")
        while input.hold and (CONTROL / "hold").exists():
            time.sleep(0.02)
        response.status_code = input.status
        return Output(runner=os.environ["FAL_JOB_ID"])


class Single(Obedient, keep_alive=36000, max_concurrency=1):
    pass


class Shared(Obedient, keep_alive=36000, max_concurrency=1, max_multiplexing=3, termination_grace_period_seconds=30):
    pass
`;

vi.setConfig({ testTimeout: 90_000 });

let emulator: Emulator;
let project: Project;
let account: string;
let control: string;

beforeAll(async () => {
  control = await mkdtemp(join(tmpdir(), 'minifal-control-'));
  emulator = await startEmulator({ args: ['--max-runners', '1', '--share', `${control}:rw`] });
  project = await createProject(await pythonTools(), emulator, { 'apps.py': source(control) });
  account = await owner(emulator);
  for (const name of ['Single', 'Shared']) {
    await project.mustFal('deploy', `apps.py::${name}`, '--app-name', name.toLowerCase(), '--strategy', 'recreate');
  }
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
  await rm(control, { recursive: true, force: true });
});

afterEach(() => Promise.all(['hold', 'order'].map((name) => rm(join(control, name), { force: true }))));

const hold = () => writeFile(join(control, 'hold'), '');
const letGo = () => rm(join(control, 'hold'));
async function order(): Promise<readonly string[]> {
  const file = join(control, 'order');
  return existsSync(file) ? (await readFile(file, 'utf8')).trim().split('\n') : [];
}
const runs = (name: string) => until(`${name} runs`, async () => (await order()).includes(name));

async function ask(app: string, body: object): Promise<{ readonly status: number; readonly runner: string }> {
  const response = await call(emulator, 'run', `/${account}/${app}`, { body });
  const text = await response.text();
  return { status: response.status, runner: /"runner": *"([^"]+)"/.exec(text)?.[1] ?? text };
}

async function status(): Promise<Status> {
  return statusSchema.parse(await (await call(emulator, 'api', '/minifal/status')).json());
}
const runnersOf = async (app: string) => (await status()).runners.filter(({ alias }) => alias === app);

async function enqueue(app: string, body: object): Promise<string> {
  return (await submit(emulator, `${account}/${app}`, body)) ?? expect.fail('it was not accepted');
}

const inQueue = z.object({ status: z.string(), queue_position: z.number().optional() });
async function statusOf(app: string, id: string) {
  return inQueue.parse(await (await call(emulator, 'queue', `/${account}/${app}/requests/${id}/status`)).json());
}
const completed = (app: string, id: string) =>
  until(`${id} is completed`, async () => (await statusOf(app, id)).status === 'COMPLETED');

describe('a direct call', () => {
  it('is served before queued requests and has no position in their queue', async () => {
    await hold();
    const busy = ask('single', { name: 'busy', hold: true });
    await runs('busy');
    const queued = [await enqueue('single', { name: 'q0' }), await enqueue('single', { name: 'q1' })];
    const direct = ask('single', { name: 'direct' });
    const why = await until(
      'it waits',
      async () => (await status()).waiting.length === 3 && (await status()).waiting[0],
    );
    expect(why.requestId).not.toBe(queued[0]);
    const states = await Promise.all(queued.map((id) => statusOf('single', id)));
    expect(states).toMatchObject([
      { status: 'IN_QUEUE', queue_position: 0 },
      { status: 'IN_QUEUE', queue_position: 1 },
    ]);
    // More than one waits in the queue, but not more than two.
    const limited = (most: number) =>
      call(emulator, 'queue', `/${account}/single?fal_max_queue_length=${most}`, { body: { name: 'q2' } });
    expect((await limited(1)).status).toBe(429);
    expect((await limited(2)).status).toBe(200);
    await letGo();
    expect([(await busy).status, (await direct).status]).toEqual([200, 200]);
    await until('all ran', async () => (await order()).length === 5);
    expect(await order()).toEqual(['busy', 'direct', 'q0', 'q1', 'q2']);
  });
});

describe('after a 503', () => {
  it('the other requests of the runner finish on it', async () => {
    await hold();
    const direct = ask('shared', { name: 'direct', hold: true });
    const id = await enqueue('shared', { name: 'queued', hold: true });
    await Promise.all([runs('direct'), runs('queued')]);
    const { status: code, runner } = await ask('shared', { name: 'fails', status: 503 });
    expect(code).toBe(503);
    await until('the runner ends', async () =>
      (await runnersOf('shared')).some(({ state }) => state === 'TERMINATING'),
    );
    await letGo();
    expect(await direct).toEqual({ status: 200, runner });
    await completed('shared', id);
    const result = await call(emulator, 'queue', `/${account}/shared/requests/${id}`);
    expect(await result.json()).toEqual({ runner });
    expect((await order()).filter((name) => name === 'queued')).toHaveLength(1);
  });
});

describe('a machine with room for one runner', () => {
  it('lets a second app wait, shows that, and gives it the place of the first one', async () => {
    await hold();
    const busy = ask('single', { name: 'busy', hold: true });
    await runs('busy');
    const other = ask('shared', { name: 'other' });
    const [waiting] = await until('it waits', async () => {
      const found = (await status()).waiting.filter(({ alias }) => alias === 'shared');
      return found.length > 0 && found;
    });
    expect(waiting?.why).toBe('No capacity: 1 of 1 runners on this machine are in use.');
    expect((await runnersOf('shared')).filter(({ state }) => state === 'PENDING')).toHaveLength(1);
    await letGo();
    expect([(await busy).status, (await other).status]).toEqual([200, 200]);
    const reasons = (await runnersOf('single')).flatMap(({ transitions }) => transitions.map(({ reason }) => reason));
    expect(reasons).toContain('The runner made room for another application.');
  });
});

describe('the death of the supervisor', () => {
  it('is followed immediately by another runner, without the delay after failed starts', async () => {
    const { runner } = await ask('single', { name: 'before' });
    const supervisors = processTree(emulator.pid).filter((pid) => commandLine(pid).includes('supervisor.py'));
    await hold();
    const id = await enqueue('single', { name: 'cut off', hold: true });
    await runs('cut off');
    for (const pid of supervisors) if (commandLine(pid) !== '') process.kill(pid, 'SIGKILL');
    await letGo();
    await completed('single', id);
    const found = await runnersOf('single');
    const lost = found.find((one) => one.id === runner);
    expect(lost?.transitions.at(-1)?.reason).toMatch(/supervisor/);
    expect(found.flatMap(({ transitions }) => transitions.map(({ state }) => state))).not.toContain('FAILURE_DELAY');
  });
});
