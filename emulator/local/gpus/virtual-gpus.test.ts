import { expect, it } from 'vitest';
import { cloudMemoryGb, virtualGpus } from './virtual-gpus.ts';

it.each([
  ['2xH100', ['H100', 'H100']],
  ['h100', ['H100']],
  ['1xA100,2xGPU-L40', ['A100', 'L40', 'L40']],
])('%s are virtual GPUs', (text, names) => {
  const gpus = virtualGpus(text) ?? [];
  expect(gpus.map(({ name }) => name)).toEqual(names);
  expect(new Set(gpus.map(({ uuid }) => uuid)).size).toBe(names.length);
});

it.each(['', '0xH100', '2x', 'H100x2', 'XS', '99xH100', 'constructor'])('%s are none', (text) => {
  expect(virtualGpus(text)).toBeUndefined();
});

it('have the memory of the cloud', () => {
  expect([cloudMemoryGb('GPU-H100'), cloudMemoryGb('GPU'), cloudMemoryGb('XS')]).toEqual([80, undefined, undefined]);
});
