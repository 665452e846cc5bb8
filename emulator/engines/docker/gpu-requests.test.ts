import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { isEngineMissing, ownEngine, startContainerEngine } from '../../../test/support/container-engine.ts';
import { EngineRefusal } from '../../local/docker/api.ts';
import type { ContainerEngine } from '../../local/docker/connect.ts';
import { testFolder } from '../../store/testing/folder.ts';
import { type DeviceRequest, startWithGpus } from './gpu-requests.ts';
import { setUpContainers, shell } from './testing/containers.ts';

const gpus = [
  { uuid: 'GPU-aaaa', index: 0 },
  { uuid: 'GPU-bbbb', index: 3 },
];
const print = shell('env; echo end');
const env = { CUDA_VISIBLE_DEVICES: 'GPU-aaaa,GPU-bbbb', NVIDIA_VISIBLE_DEVICES: 'GPU-aaaa,GPU-bbbb' };

describe.skipIf(isEngineMissing())('GPUs of a container', { timeout: 120_000 }, () => {
  beforeAll(startContainerEngine, 600_000);

  it('an engine that knows none refuses them, which is said with the next step, and no container is left', async () => {
    const { start, containers } = setUpContainers();
    const { reason } = await start(print, { gpus, env }).exited;
    expect(reason).toMatch(
      /could not be started: .*gives no GPU to containers: could not select device driver "nvidia".*DOCKER_NO_GPU/s,
    );
    expect(reason).toContain('Install the NVIDIA Container Toolkit');
    expect(await containers()).toEqual([]);
    const virtual = start(print, { gpus: [], env: { CUDA_VISIBLE_DEVICES: '', NVIDIA_VISIBLE_DEVICES: 'void' } });
    expect(await virtual.line(/^CUDA_VISIBLE_DEVICES=$/)).toBeDefined();
  });

  it('an engine with the hook of the container toolkit gives exactly the wanted ones, counted from 0', async () => {
    const folder = testFolder();
    const hook = standIn(folder);
    // The engine looks for the hook when it starts.
    vi.stubEnv('PATH', [folder, process.env.PATH].join(delimiter));
    const own = await ownEngine();
    vi.unstubAllEnvs();
    const { start } = setUpContainers(own.env);
    const runner = start(print, { gpus, env });
    await runner.line(/^end$/);
    const lines = runner.lines.map(({ text }) => text);
    expect(lines).toEqual(
      expect.arrayContaining(['CUDA_VISIBLE_DEVICES=0,1', 'NVIDIA_VISIBLE_DEVICES=GPU-aaaa,GPU-bbbb']),
    );
    expect(hook.wasCalled()).toBe(true);
  });
});

/** The program that Docker runs before a container with GPUs: this one only notes what it is asked for. */
function standIn(folder: string) {
  mkdirSync(folder, { recursive: true });
  const program = join(folder, 'nvidia-container-runtime-hook');
  const notes = join(folder, 'notes');
  writeFileSync(notes, '');
  writeFileSync(program, `#!/bin/sh\necho "$1" >> "${notes}"\n`);
  chmodSync(program, 0o755);
  return { wasCalled: () => readFileSync(notes, 'utf8') === 'prestart\n' };
}

describe('the ways to ask an engine for GPUs', () => {
  const toolkit = 'could not select device driver "nvidia" with capabilities: [[gpu]]';
  const noCdi = 'could not select device driver "cdi" with capabilities: []';
  const unresolved = 'CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=GPU-aaaa';

  /** Starts with an engine that accepts the devices that `accepts` names. */
  async function started(engine: ContainerEngine, accepts: RegExp, refusal = noCdi, wanted = gpus) {
    const asked: string[] = [];
    const start = async (requests: readonly DeviceRequest[]) => {
      const named = requests.map(({ Driver, DeviceIDs }) => `${Driver}: ${DeviceIDs.join(' ')}`).join();
      asked.push(named);
      if (!accepts.test(named)) throw new EngineRefusal(500, named.startsWith('nvidia') ? toolkit : refusal);
      return named;
    };
    const end = await startWithGpus(engine, wanted, start).catch((error: Error) => error.message);
    return { asked, end };
  }
  const engine = () => ({ name: 'Docker 28' }) as ContainerEngine;

  const byUuid = 'cdi: nvidia.com/gpu=GPU-aaaa nvidia.com/gpu=GPU-bbbb';
  const byNumber = 'cdi: nvidia.com/gpu=0 nvidia.com/gpu=3';
  it.each([
    ['the toolkit', /^nvidia/, ['nvidia: GPU-aaaa GPU-bbbb']],
    ['CDI by UUID', /gpu=GPU/, ['nvidia: GPU-aaaa GPU-bbbb', byUuid]],
    ['CDI by number', /gpu=\d/, ['nvidia: GPU-aaaa GPU-bbbb', byUuid, byNumber]],
  ])('%s is found, and tried first from then on', async (_name, accepts, asked) => {
    const one = engine();
    expect((await started(one, accepts, unresolved)).asked).toEqual(asked);
    expect((await started(one, accepts)).asked).toEqual(asked.slice(-1));
  });

  it('the last refusal that says something is given as the reason', async () => {
    expect((await started(engine(), /^none/)).end).toContain(`(Docker 28) gives no GPU to containers: ${toolkit}.`);
    expect((await started(engine(), /^none/, unresolved)).end).toContain(unresolved);
  });

  it('parts of a GPU have no number of their own', async () => {
    const { asked } = await started(engine(), /^none/, noCdi, [{ uuid: 'MIG-1', index: 0 }]);
    expect(asked).toEqual(['nvidia: MIG-1', 'cdi: nvidia.com/gpu=MIG-1']);
  });

  it('without a GPU nothing is asked for, and other errors are passed on', async () => {
    expect((await started(engine(), /^$/, noCdi, [])).asked).toEqual(['']);
    const failing = startWithGpus(engine(), gpus, () => Promise.reject(new EngineRefusal(500, 'no space left')));
    await expect(failing).rejects.toThrow('no space left');
  });
});
