import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findGpus } from './find-gpus.ts';
import { type FakeAnswer, writeNvidiaSmi } from './testing/fake-nvidia-smi.ts';

const recording = (name: string) => readFileSync(join(import.meta.dirname, 'testing', 'recordings', name), 'utf8');
const h100 = { index: 0, uuid: 'GPU-00000100-0000-4000-8000-000000000100', name: 'NVIDIA H100 80GB HBM3' };
const two = '0, GPU-aaaa, NVIDIA L40, 46068, [N/A]\n1, GPU-bbbb, NVIDIA L40, 46068, [N/A]\n';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'minifal-gpus-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const log = () => join(folder, 'log');
const path = () => [join(folder, 'bin'), process.env.PATH].join(delimiter);

function find(answers: { readonly [word: string]: FakeAnswer }, env: { readonly [name: string]: string } = {}) {
  writeNvidiaSmi(join(folder, 'bin'), answers, log());
  return findGpus({ PATH: path(), ...env });
}

describe('the GPUs of a machine', () => {
  it('are those that nvidia-smi lists', async () => {
    const found = await find({ 'query-gpu': { stdout: recording('h100-gpus.txt') } });
    expect(found).toEqual({ gpus: [{ ...h100, memoryMib: 81559 }], warnings: [] });
  });

  it('are none without nvidia-smi, which is no problem', async () => {
    expect(await findGpus({ PATH: join(folder, 'empty') })).toEqual({ gpus: [], warnings: [] });
  });

  it('are none where it says so, which is no problem either', async () => {
    const found = await find({ 'query-gpu': { stdout: recording('no-devices.txt'), code: 6 } });
    expect(found).toEqual({ gpus: [], warnings: [] });
  });

  it.each([
    ['no-library.txt', 12, "nvidia-smi printed: NVIDIA-SMI couldn't find libnvidia-ml.so library in your system."],
    ['blocked.txt', 17, 'nvidia-smi printed: Failed to initialize NVML: GPU access blocked by the operating system'],
  ])('are none where the driver fails, with its words as a warning: %s', async (name, code, sentence) => {
    const { gpus, warnings } = await find({ 'query-gpu': { stdout: recording(name), code } });
    expect([gpus, warnings[0]]).toEqual([[], expect.stringContaining(sentence)]);
  });

  it('are found by an older driver that does not know every field', async () => {
    const found = await find({
      'mig.mode.current': { stdout: 'Field "mig.mode.current" is not a valid field to query.\n\n', code: 2 },
      'query-gpu': { stdout: '0, GPU-1, GeForce GTX 1080, 8114\n' },
    });
    expect(found).toEqual({
      gpus: [{ index: 0, uuid: 'GPU-1', name: 'GeForce GTX 1080', memoryMib: 8114 }],
      warnings: [],
    });
  });

  it('are asked for once if a driver refuses a field that was not in the query', async () => {
    const { gpus, warnings } = await find({ 'query-gpu': { stdout: recording('unknown-field.txt'), code: 2 } });
    expect([gpus, warnings.length]).toEqual([[], 1]);
    expect(readFileSync(log(), 'utf8').trim().split('\n')).toHaveLength(1);
  });

  it('are the parts of a GPU that is divided', async () => {
    const found = await find({
      'query-gpu': { stdout: '0, GPU-a, NVIDIA A100-SXM4-40GB, 40960, Enabled\n1, GPU-b, NVIDIA L40, 46068, [N/A]\n' },
      '-L': { stdout: 'GPU 0: NVIDIA A100 (UUID: GPU-a)\n  MIG 3g.20gb     Device  0: (UUID: MIG-1)\n' },
    });
    expect(found.gpus.map(({ uuid }) => uuid)).toEqual(['MIG-1', 'GPU-b']);
  });

  it.each([
    ['1', ['GPU-bbbb']],
    ['GPU-bbbb,0', ['GPU-bbbb', 'GPU-aaaa']],
    ['GPU-bb', ['GPU-bbbb']],
    ['0,7,1', ['GPU-aaaa']],
    ['-1', []],
    ['', []],
  ])('are those that CUDA_VISIBLE_DEVICES=%s allows', async (visible, uuids) => {
    const { gpus } = await find({ 'query-gpu': { stdout: two } }, { CUDA_VISIBLE_DEVICES: visible });
    expect(gpus.map(({ uuid }) => uuid)).toEqual(uuids);
  });
});
