import { describe, expect, it } from 'vitest';
import type { Gpu } from '../../local/gpus/gpu.ts';
import { virtualGpus } from '../../local/gpus/virtual-gpus.ts';
import { gpuDifference } from './gpu-difference.ts';
import { createGpuLedger, gpuVariables } from './gpu-ledger.ts';

const gpu = (index: number): Gpu => ({ uuid: `GPU-${index}`, index, name: 'NVIDIA L40', memoryMib: 46068 });
const uuids = (gpus: readonly Gpu[]) => gpus.map(({ uuid }) => uuid);

describe('GPUs', () => {
  it('are taken by one runner each while there are enough', () => {
    const ledger = createGpuLedger([gpu(0), gpu(1), gpu(2)]);
    expect(uuids(ledger.take('a', 1))).toEqual(['GPU-0']);
    expect(uuids(ledger.take('pair', 2))).toEqual(['GPU-1', 'GPU-2']);
    ledger.giveBack('a');
    expect(uuids(ledger.take('b', 1))).toEqual(['GPU-0']);
    expect(['GPU-0', 'GPU-1', 'GPU-2'].map(ledger.holders)).toEqual([['b'], ['pair'], ['pair']]);
  });

  it('are shared evenly by more runners', () => {
    const ledger = createGpuLedger([gpu(0), gpu(1)]);
    const taken = ['a', 'b', 'c', 'd'].map((id) => uuids(ledger.take(id, 1))[0]);
    expect(taken).toEqual(['GPU-0', 'GPU-1', 'GPU-0', 'GPU-1']);
    expect(uuids(ledger.take('all', 8))).toEqual(['GPU-0', 'GPU-1']);
  });

  it('are in use from the first runner that takes some to the last one that gives them back', () => {
    const uses: boolean[] = [];
    const ledger = createGpuLedger([gpu(0)], (inUse) => uses.push(inUse));
    ledger.take('cpu', 0);
    ledger.take('a', 1);
    ledger.take('b', 1);
    for (const id of ['cpu', 'a', 'a', 'b', 'b']) ledger.giveBack(id);
    expect(uses).toEqual([true, false]);
  });

  it('that were unplugged stay with their runner and are not given to another', () => {
    const ledger = createGpuLedger([gpu(0), gpu(1)]);
    ledger.take('a', 1);
    ledger.setGpus([gpu(1)]);
    expect([uuids(ledger.take('b', 1)), uuids(ledger.take('c', 1))]).toEqual([['GPU-1'], ['GPU-1']]);
    expect(ledger.holders('GPU-0')).toEqual(['a']);
  });
});

describe("a runner's variables", () => {
  it.each<[string, readonly Gpu[], readonly Gpu[], object]>([
    ['of no GPU are known, are the machine’s own', [], [], {}],
    ['name its GPUs', [gpu(0), gpu(1)], [gpu(1)], { CUDA_VISIBLE_DEVICES: 'GPU-1', NVIDIA_VISIBLE_DEVICES: 'GPU-1' }],
    ['without a GPU name none', [gpu(0)], [], { CUDA_VISIBLE_DEVICES: '', NVIDIA_VISIBLE_DEVICES: 'void' }],
    [
      'with a virtual GPU name none',
      virtualGpus('H100') ?? [],
      virtualGpus('H100') ?? [],
      { CUDA_VISIBLE_DEVICES: '', NVIDIA_VISIBLE_DEVICES: 'void' },
    ],
  ])('%s', (_name, present, taken, expected) => {
    expect(gpuVariables(present, taken)).toEqual(expected);
  });
});

describe('the difference from the cloud', () => {
  const h100: Gpu = { uuid: 'GPU-1', index: 0, name: 'NVIDIA H100 80GB HBM3', memoryMib: 81559 };
  const laptop: Gpu = { uuid: 'GPU-2', index: 0, name: 'NVIDIA GeForce RTX 4090 Laptop GPU', memoryMib: 16376 };
  it.each<[string, number, readonly Gpu[], string | undefined]>([
    ['GPU-H100', 1, [h100], undefined],
    ['GPU-H200', 1, [{ ...h100, memoryMib: 143771 }], undefined],
    [
      'GPU-H100',
      1,
      [laptop],
      'GPU-H100 is NVIDIA GeForce RTX 4090 Laptop GPU here: 80 GB of memory there, 16 GB here.',
    ],
    ['GPU-H100', 8, [h100], 'GPU-H100 is NVIDIA H100 80GB HBM3 here: 8 GPUs there, 1 here.'],
    ['GPU-A100', 1, virtualGpus('H100') ?? [], 'GPU-A100 is a virtual H100 here: 40 GB of memory there, 80 GB here.'],
    ['GPU', 1, [laptop], undefined],
    ['XS', 0, [], undefined],
  ])('of %s with %i', (machineType, count, taken, expected) => {
    expect(gpuDifference({ machineType, count }, taken)).toBe(expected);
  });
});
