import { describe, expect, it } from 'vitest';
import { gpuSlotsOf, memoryOf, roomierType } from './machine-types.ts';

describe('machine types', () => {
  it.each<[readonly string[], number | null, number]>([
    [['XS'], null, 0],
    [['M'], 2, 0],
    [['GPU-H100'], null, 1],
    [['GPU'], 0, 1],
    [['GPU-A100', 'GPU-H100'], 4, 4],
    // Here, a runner gets the first one.
    [['L', 'GPU-H100'], null, 0],
    [[], 1, 0],
  ])('%j with num_gpus %s takes %i GPU slots', (types, numGpus, slots) => {
    expect(gpuSlotsOf(types, numGpus)).toBe(slots);
  });

  it('have the memory of the documentation', () => {
    expect(['XS', 'GPU-H100', 'GPU-T4', 'constructor'].map(memoryOf)).toEqual([512, 112 * 1024, undefined, undefined]);
  });

  it.each([
    ['XS', 511, 'XS'],
    ['XS', 700, 'S'],
    ['M', 20_000, 'XL'],
    ['XL', 40_000, undefined],
    ['GPU-A6000', 18_433, 'GPU-RTX4090'],
    ['GPU', 300_000, undefined],
  ])('%s with %i MiB is too small; %s has room', (type, mib, roomier) => {
    expect(roomierType(type, mib)).toBe(roomier);
  });
});
