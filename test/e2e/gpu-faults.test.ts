import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Status, statusSchema } from '../../emulator/wire/status.ts';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { call, owner } from '../support/http.ts';
import { run } from '../support/process.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

/** Answers with its process, or raises what torch raises. Doesn't notice that its request has been given up. */
const source = (control: string) => `
import os
import pathlib
import time

import fal
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

CONTROL = pathlib.Path(${JSON.stringify(control)})


class Input(BaseModel):
    hold: str = ""
    error: str = ""


class Output(BaseModel):
    pid: int


class Draw(fal.App, keep_alive=600, max_concurrency=1, max_multiplexing=1):
    machine_type = "GPU-H100"

    def setup(self):
        while (CONTROL / "hold-setup").exists():
            (CONTROL / "in-setup").touch()
            time.sleep(0.02)

    @fal.endpoint("/stream")
    def stream(self, input: Input) -> StreamingResponse:
        def parts():
            yield "data: first\\n\\n"
            while (CONTROL / "hold").exists():
                time.sleep(0.02)
            yield "data: last\\n\\n"

        return StreamingResponse(parts(), media_type="text/event-stream")

    @fal.endpoint("/")
    def draw(self, input: Input) -> Output:
        if input.error:
            raise RuntimeError(input.error)
        if input.hold:
            (CONTROL / input.hold).touch()
        while input.hold and (CONTROL / "hold").exists():
            time.sleep(0.02)
        return Output(pid=os.getpid())
`;

vi.setConfig({ testTimeout: 90_000 });

let emulator: Emulator;
let project: Project;
let account: string;
let control: string;

beforeAll(async () => {
  control = await mkdtemp(join(tmpdir(), 'minifal-gpu-faults-'));
  emulator = await startEmulator({ args: ['--gpus', '1xH100', '--time-scale', '20', '--share', `${control}:rw`] });
  project = await createProject(await pythonTools(), emulator, { 'draw.py': source(control) });
  account = await owner(emulator);
  await project.mustFal('deploy', 'draw.py::Draw', '--app-name', 'draw', '--strategy', 'recreate');
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
  await rm(control, { recursive: true, force: true });
});

const draw = (body: object) => call(emulator, 'run', `/${account}/draw`, { body });

async function pid(): Promise<number> {
  const answer = (await (await draw({})).json()) as { pid: number };
  return answer.pid;
}

async function status(): Promise<Status> {
  return statusSchema.parse(await (await call(emulator, 'api', '/minifal/status')).json());
}

/** The reasons of the runners that ended, the first one first. */
async function ends(): Promise<readonly (string | null)[]> {
  const ended = (await status()).runners.filter(({ endedAt }) => endedAt !== null);
  return ended.sort((a, b) => a.number - b.number).map(({ endReason }) => endReason);
}

const fault = (...args: readonly string[]) =>
  run(process.execPath, [minifalCommand, 'gpu', 'fault', ...args, '--data', emulator.dataDir]);
const asked = (words: string) => `GPU 0 had the fault "${words}", which \`minifal gpu fault\` asked for.`;

/** Holds the runner with this call, makes a fault, and lets its code go on after the answer. */
async function failDuring(name: string, answer: Promise<Response>, ...args: readonly string[]): Promise<Response> {
  await until(`${name} runs`, async () => existsSync(join(control, name)));
  expect((await fault('0', ...args)).code).toBe(0);
  return answer;
}

describe('a fault of a virtual GPU', () => {
  it('answers a direct call with 503, and replaces the runner, even if it has to be killed', async () => {
    await writeFile(join(control, 'hold'), '');
    const before = (await ends()).length;
    const answer = await failDuring('direct', draw({ hold: 'direct' }));
    expect([answer.status, await answer.json()]).toEqual([503, { detail: 'CUDA error: out of memory' }]);
    const ended = await until('the runner has ended', async () => (await ends())[before]);
    expect(ended).toBe(asked('CUDA error: out of memory'));
    await rm(join(control, 'hold'));
    expect(await pid()).toBeGreaterThan(0);
  });

  it('makes a request of the queue run again on another runner', async () => {
    await writeFile(join(control, 'hold'), '');
    const first = await pid();
    const sent = await call(emulator, 'queue', `/${account}/draw`, { body: { hold: 'queued' } });
    const { request_id: id } = (await sent.json()) as { request_id: string };
    await until('it runs', async () => existsSync(join(control, 'queued')));
    await rm(join(control, 'queued'));
    expect((await fault('0', '--kind', 'error')).code).toBe(0);
    await until('it runs again', async () => existsSync(join(control, 'queued')));
    await rm(join(control, 'hold'));
    const result = async () => call(emulator, 'queue', `/${account}/draw/requests/${id}`);
    const { pid: second } = (await (
      await until('its result', async () => {
        const answer = await result();
        return answer.status === 200 && answer;
      })
    ).json()) as { pid: number };
    expect(second).not.toBe(first);
    const facts = await (await call(emulator, 'api', `/minifal/requests/${id}`)).json();
    expect(facts).toMatchObject({ attempts: 2, history: [{ status: 503 }, { status: 200 }] });
  });

  it('breaks an answer that streams, because its status was sent, and replaces the runner', async () => {
    await writeFile(join(control, 'hold'), '');
    const before = (await ends()).length;
    const answer = await call(emulator, 'run', `/${account}/draw/stream`, { body: {} });
    const parts = (answer.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
    expect([answer.status, (await parts.read()).value]).toEqual([200, 'data: first\n\n']);
    expect((await fault('0')).code).toBe(0);
    await expect(parts.read()).rejects.toThrow();
    const ended = await until('the runner has ended', async () => (await ends())[before]);
    expect(ended).toBe(asked('CUDA error: out of memory'));
    await rm(join(control, 'hold'));
    expect(await pid()).toBeGreaterThan(0);
  });

  it('in setup() is a failed start: the request waits for the next one', async () => {
    await writeFile(join(control, 'hold-setup'), '');
    await fault('0');
    await until('no runner is left', async () => (await status()).runners.every(({ endedAt }) => endedAt !== null));
    const before = (await ends()).length;
    const sent = await call(emulator, 'queue', `/${account}/draw`, { body: {} });
    const { request_id: id } = (await sent.json()) as { request_id: string };
    await until('setup() runs', async () => existsSync(join(control, 'in-setup')));
    expect((await fault('0')).stdout).toContain('of draw met the fault');
    const ended = await until('the runner has ended', async () => (await ends())[before]);
    expect(ended).toBe(asked('CUDA error: out of memory'));
    await rm(join(control, 'hold-setup'));
    const facts = async () => (await call(emulator, 'api', `/minifal/requests/${id}`)).json();
    await until('the next start serves it', async () => ((await facts()) as { status: number }).status === 200);
    expect(await facts()).toMatchObject({ attempts: 1, history: [{ status: 200 }] });
  });

  it('ends a runner without a request, too, and names what it can not do', async () => {
    const before = await pid();
    expect((await fault('0')).stdout).toContain('of draw met the fault');
    expect(await pid()).not.toBe(before);
    expect((await fault('7')).stderr).toContain('There is no GPU 7.');
    expect((await fault('0', '--kind', 'smoke')).stderr).toContain('smoke is not a fault');
  });
});

describe('what torch raises', () => {
  it.each([
    [
      'CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 79.11 GiB',
      'CUDA error: out of memory',
    ],
    ['CUDA error: an illegal memory access was encountered', 'GPU error'],
    ['cuDNN error: CUDNN_STATUS_NOT_SUPPORTED. This error may appear if you passed', 'CUDA error: out of memory'],
    ['NCCL error in: ProcessGroupNCCL.cpp:1275, unhandled system error', 'GPU error'],
  ])('%s: 503, and the next call meets another runner', async (error, detail) => {
    const before = await pid();
    const answer = await draw({ error });
    expect([answer.status, await answer.json()]).toEqual([503, { detail }]);
    expect(await pid()).not.toBe(before);
  });
});
