import { expect, it } from 'vitest';
import { samplesOf } from './runner-samples.ts';

const gpu = (index: number) => ({ uuid: `GPU-${index}`, index, name: 'H100', memoryMib: 80_000 });
const usage = { residentBytes: 1_000, cores: 0.5 };
const mib = 1024 * 1024;

const measured = { memoryUsedMib: 500, utilization: 60, powerWatts: 300 };
const others: { readonly [uuid: string]: object } = { 'GPU-1': { utilization: 20 }, 'GPU-2': { memoryUsedMib: 9 } };
const use = {
  sample: (uuid: string) => (uuid === 'GPU-3' ? undefined : { uuid, ...(others[uuid] ?? measured) }),
  memoryOf: (uuid: string, pid: number) => (uuid === 'GPU-0' && pid === 7 ? 100 : undefined),
};

it.each([
  [
    'its own processes have on a GPU',
    [[0, 'a', 'b']],
    { gpuUtilization: 60, gpuMemoryBytes: 100 * mib, powerWatts: 300 },
  ],
  [
    'is known of several GPUs',
    [
      [0, 'a'],
      [1, 'a'],
      [2, 'a'],
    ],
    { gpuUtilization: 40, gpuMemoryBytes: 109 * mib, powerWatts: 300 },
  ],
  ['only it can have on a GPU', [[2, 'a']], { gpuMemoryBytes: 9 * mib }],
  [
    'is not that of others',
    [
      [2, 'a', 'b'],
      [0, 'b'],
    ],
    {},
  ],
  ['is measured: nothing of a silent GPU', [[3, 'a']], {}],
] as const)('a runner has the memory that %s', (_, held, expected) => {
  const gpus = held.map(([index, ...ids]) => ({
    gpu: gpu(index),
    runners: ids.map((id) => ({ id, pid: id === 'a' ? 7 : 8 })),
  }));
  expect(samplesOf(5, new Map([['a', usage]]), gpus, use)).toEqual([
    { runnerId: 'a', sample: { at: 5, cores: 0.5, memoryBytes: 1_000, ...expected } },
  ]);
});
