import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Status, statusSchema } from '../../emulator/wire/status.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call, owner } from '../support/http.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

/** No device is used: only the machine type counts. `fails` makes the second revision of Paint fail in setup(). */
const source = (control: string, version: number, fails = false) => `
import pathlib
import time

import fal
from pydantic import BaseModel

CONTROL = pathlib.Path(${JSON.stringify(control)})


class Input(BaseModel):
    name: str = ""
    hold: bool = False


class Output(BaseModel):
    version: int


class OnGpu(fal.App):
    machine_type = "GPU-H100"

    def setup(self):
        if ${fails ? 'True' : 'False'}:
            raise RuntimeError("no weights")

    @fal.endpoint("/")
    def answer(self, input: Input) -> Output:
        (CONTROL / input.name).touch()
        while input.hold and (CONTROL / "hold").exists():
            time.sleep(0.02)
        return Output(version=${version})


class Paint(OnGpu, keep_alive=36000, max_concurrency=2):
    num_gpus = 2


class Sing(OnGpu, keep_alive=36000, max_concurrency=1):
    pass


class Count(OnGpu, keep_alive=36000, max_concurrency=1):
    machine_type = "XS"
`;

vi.setConfig({ testTimeout: 90_000 });

const noSlot = 'No GPU slot: 1 of 1 GPU slots on this machine are in use.';

let emulator: Emulator;
let project: Project;
let account: string;
let control: string;

beforeAll(async () => {
  control = await mkdtemp(join(tmpdir(), 'minifal-control-'));
  emulator = await startEmulator({ args: ['--gpu-slots', '1', '--share', `${control}:rw`] });
  const files = { 'apps.py': source(control, 1), 'later.py': source(control, 2), 'bad.py': source(control, 3, true) };
  project = await createProject(await pythonTools(), emulator, files);
  account = await owner(emulator);
  for (const name of ['Paint', 'Sing', 'Count']) await deploy('apps.py', name, 'recreate');
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
  await rm(control, { recursive: true, force: true });
});

function deploy(file: string, name: string, strategy: string) {
  return project.fal('deploy', `${file}::${name}`, '--app-name', name.toLowerCase(), '--strategy', strategy);
}

const hold = () => writeFile(join(control, 'hold'), '');
const letGo = () => rm(join(control, 'hold'));
const runs = (name: string) => until(`${name} runs`, () => existsSync(join(control, name)));

async function ask(app: string, name: string, more: object = {}): Promise<readonly [number, unknown]> {
  const response = await call(emulator, 'run', `/${account}/${app}`, { body: { name, ...more } });
  return [response.status, await response.json()];
}

async function status(): Promise<Status> {
  return statusSchema.parse(await (await call(emulator, 'api', '/minifal/status')).json());
}
const waiting = (app: string) =>
  until(`a request of ${app} waits`, async () => (await status()).waiting.find(({ alias }) => alias === app));

describe('two GPU apps with one slot', () => {
  it('take turns: the second waits with a reason and gets the slot of the first; other apps run', async () => {
    await hold();
    const first = ask('paint', 'first', { hold: true });
    await runs('first');
    const second = ask('sing', 'second');
    expect((await waiting('sing')).why).toBe(noSlot);
    expect(await ask('count', 'third')).toEqual([200, { version: 1 }]);
    expect(existsSync(join(control, 'second'))).toBe(false);
    await letGo();
    expect([(await first)[0], (await second)[0]]).toEqual([200, 200]);
  });

  it('and `fal run` shows at the terminal that it waits, and starts when the slot is free', async () => {
    await hold();
    const busy = ask('paint', 'busy', { hold: true });
    await runs('busy');
    const running = project.startFal('run', 'apps.py::Sing');
    try {
      await until('it shows why', () => running.output().includes('No GPU slot: 1 of 1'), { timeoutMs: 60_000 });
      await letGo();
      expect((await busy)[0]).toBe(200);
      await until('there is a slot', () => running.output().includes('There is now room for the runner.'));
    } finally {
      running.signal('SIGINT');
      await running.finished;
    }
  });
});

describe('a rolling deploy with one slot', () => {
  it('waits for the old runner to finish, and shows that it waits', async () => {
    await hold();
    const old = ask('paint', 'old', { hold: true });
    await runs('old');
    const deployed = project.startFal('deploy', 'later.py::Paint', '--app-name', 'paint', '--strategy', 'rolling');
    await until('it shows why', () => deployed.output().includes('No GPU slot: 1 of 1'), { timeoutMs: 60_000 });
    await letGo();
    expect(await old).toEqual([200, { version: 1 }]);
    expect((await deployed.finished).code).toBe(0);
    expect(await ask('paint', 'new')).toEqual([200, { version: 2 }]);
  });

  it('that fails brings the old revision back', async () => {
    expect(await ask('paint', 'before')).toEqual([200, { version: 2 }]);
    const { code, stdout, stderr } = await deploy('bad.py', 'Paint', 'rolling');
    expect([code, stdout + stderr]).toEqual([1, expect.stringContaining('The previous revision stays in place.')]);
    expect(await ask('paint', 'after')).toEqual([200, { version: 2 }]);
  });
});
