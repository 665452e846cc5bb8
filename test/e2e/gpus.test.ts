import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { writeNvidiaSmi } from '../../emulator/local/gpus/testing/fake-nvidia-smi.ts';
import { type Status, statusSchema } from '../../emulator/wire/status.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call, owner } from '../support/http.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

/** Answers with the variables that decide which GPUs CUDA sees. */
const source = (control: string) => `
import os
import pathlib
import time

import fal
from pydantic import BaseModel


HOLD = pathlib.Path(${JSON.stringify(control)}) / "hold"


class Input(BaseModel):
    hold: bool = False


class Output(BaseModel):
    cuda: str
    nvidia: str
    pid: int


class Draw(fal.App, keep_alive=600, max_concurrency=5):
    machine_type = "GPU-H100"

    @fal.endpoint("/")
    def look(self, input: Input) -> Output:
        while input.hold and HOLD.exists():
            time.sleep(0.02)
        return Output(cuda=os.environ["CUDA_VISIBLE_DEVICES"],
            nvidia=os.environ["NVIDIA_VISIBLE_DEVICES"],
            pid=os.getpid())


class Train(Draw):
    num_gpus = 2


class Count(Draw):
    machine_type = "XS"


class Either(Draw):
    machine_type = ["GPU-H100", "GPU-L40"]
`;

vi.setConfig({ testTimeout: 90_000 });

const two = ['GPU-aaaa', 'GPU-bbbb'];

let emulator: Emulator;
let project: Project;
let account: string;
let folder: string;
let dataDir: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'minifal-fake-'));
  dataDir = await mkdtemp(join(tmpdir(), 'minifal-gpus-'));
  printGpus(two);
  const env = { PATH: [folder, process.env.PATH].join(delimiter) };
  emulator = await startEmulator({ dataDir, env, args: ['--share', folder] });
  project = await createProject(await pythonTools(), emulator, { 'apps.py': source(folder) });
  account = await owner(emulator);
  for (const name of ['Draw', 'Train', 'Count'])
    await project.mustFal('deploy', `apps.py::${name}`, '--app-name', name.toLowerCase(), '--strategy', 'recreate');
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
  await rm(folder, { recursive: true, force: true });
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

/** What nvidia-smi prints from now on: its list, and one measurement of each GPU. */
function printGpus(gpus: readonly string[], processes = ''): void {
  const list = gpus.map((uuid, n) => `${n}, ${uuid}, NVIDIA GeForce RTX 4090, 24564, [N/A]\n`).join('');
  const rows = gpus.map((uuid) => `${uuid}, 1011, 98, [N/A], 55\n`).join('');
  writeNvidiaSmi(folder, {
    'compute-apps': { stdout: processes },
    'memory.used': { stdout: rows },
    'query-gpu': { stdout: list },
  });
}

async function see(app: string, hold = false): Promise<unknown> {
  return (await call(emulator, 'run', `/${account}/${app}`, { body: { hold } })).json();
}

async function status(): Promise<Status> {
  return statusSchema.parse(await (await call(emulator, 'api', '/minifal/status')).json());
}

describe('on a machine with two GPUs', () => {
  it('two runners have one each, and a third waits with its reason', async () => {
    await writeFile(join(folder, 'hold'), '');
    const seen = [see('draw', true), see('draw', true), see('draw', true)];
    const waiting = await until('the third one waits', async () => {
      return (await status()).waiting.find(({ why }) => why.includes('GPU'));
    });
    expect(waiting.why).toContain('No GPU slot: 2 of 2 GPU slots on this machine are in use.');
    await rm(join(folder, 'hold'));
    const devices = (await Promise.all(seen)).map((answer) => (answer as { cuda: string }).cuda);
    expect(new Set(devices)).toEqual(new Set(['GPU-aaaa', 'GPU-bbbb']));
  });

  it('a runner with num_gpus=2 has both, after the others have made room', async () => {
    expect(await see('train')).toMatchObject({ cuda: 'GPU-aaaa,GPU-bbbb', nvidia: 'GPU-aaaa,GPU-bbbb' });
  });

  it('a runner without a GPU sees none', async () => {
    expect(await see('count')).toMatchObject({ cuda: '', nvidia: 'void' });
  });

  it("the runner's log says what the cloud's GPU has more", async () => {
    const runner = (await status()).runners.find(({ alias }) => alias === 'train');
    expect(await project.mustFal('runners', 'logs', runner?.id ?? '')).toContain(
      'GPU-H100 is NVIDIA GeForce RTX 4090 here: 80 GB of memory there, 24 GB here.',
    );
  });

  it('they are measured while runners have them, and shown with their runners', async () => {
    const { pid } = (await see('train')) as { pid: number };
    printGpus(two, `${pid}, GPU-aaaa, 1002\n`);
    const runner = (await status()).runners.find(({ alias }) => alias === 'train');
    const now = { memoryUsedMib: 1011, utilization: 98, powerWatts: null, celsius: 55 };
    const used = {
      name: 'NVIDIA GeForce RTX 4090',
      memoryMib: 24564,
      virtual: false,
      now,
    };
    const gpus = () => expect.poll(async () => (await status()).gpus, { timeout: 20_000 });
    await gpus().toEqual([
      { ...used, uuid: 'GPU-aaaa', index: 0, runners: [{ id: runner?.id, memoryMib: 1002 }] },
      { ...used, uuid: 'GPU-bbbb', index: 1, runners: [{ id: runner?.id, memoryMib: null }] },
    ]);
  });

  it('one that is unplugged is not given to another runner', async () => {
    printGpus(['GPU-aaaa']);
    await expect
      .poll(async () => (await status()).gpus.map(({ uuid }) => uuid), { timeout: 30_000 })
      .toEqual(['GPU-aaaa']);
    expect(emulator.logText()).toContain('GPU 1 (NVIDIA GeForce RTX 4090, GPU-bbbb) no longer answers');
  });
});

describe('with --gpu-mapping strict', () => {
  it('an app gets only a GPU of its machine types, and one for others is refused with what to do', async () => {
    const machine = await mkdtemp(join(tmpdir(), 'minifal-strict-'));
    onTestFinished(() => rm(machine, { recursive: true, force: true }));
    writeNvidiaSmi(machine, {
      'compute-apps': { stdout: '' },
      'memory.used': { stdout: 'GPU-cccc, 1011, 98, [N/A], 55\nGPU-dddd, 1011, 98, [N/A], 55\n' },
      'query-gpu': {
        stdout: '0, GPU-cccc, NVIDIA GeForce RTX 4090, 24564, [N/A]\n1, GPU-dddd, NVIDIA L40, 46068, [N/A]\n',
      },
    });
    const env = { PATH: [machine, process.env.PATH].join(delimiter) };
    // With the same folder, because it has the apps' environment.
    await emulator.stop();
    emulator = await startEmulator({ dataDir, env, args: ['--gpu-mapping', 'strict'] });
    const own = await createProject(await pythonTools(), emulator, { 'apps.py': source(machine) });
    onTestFinished(() => own.remove());
    const refused = await own.fal('deploy', 'apps.py::Draw', '--app-name', 'draw');
    expect(refused.code).not.toBe(0);
    const said = `${refused.stdout}${refused.stderr}`.replace(/\s+/g, ' ');
    expect(said).toContain('GPU_TYPE_MISSING');
    expect(said).toContain('This machine is no GPU-H100, and minifal runs with --gpu-mapping strict.');
    await own.mustFal('deploy', 'apps.py::Either', '--app-name', 'either');
    const answer = await call(emulator, 'run', `/${account}/either`, { body: {} });
    expect(await answer.json()).toMatchObject({ cuda: 'GPU-dddd' });
  });
});
