import { describe, expect, it } from 'vitest';
import { gpuNames } from './gpus/virtual-gpus.ts';
import { machineTypeProblem, machineTypes } from './machine-types.ts';

describe('machine types', () => {
  it.each(machineTypes)('%s is one', (name) => {
    expect(machineTypeProblem(name)).toBeUndefined();
  });

  it.each([
    ['gpu-h100', 'GPU-H100'],
    ['H100', 'GPU-H100'],
    ['GPU_H100', 'GPU-H100'],
    ['GPU-H10', 'GPU-H100'],
    ['GPU-4090', 'GPU-RTX4090'],
    ['a100', 'GPU-A100'],
    ['xs', 'XS'],
    ['gpu', 'GPU'],
    ['GPU-L40S', 'GPU-L40'],
    ['NVIDIA H200', 'GPU-H200'],
  ])('%s is refused with a suggested name', (name, meant) => {
    expect(machineTypeProblem(name)).toBe(`There is no machine type "${name}". Did you mean ${meant}?`);
  });

  it.each(['', 'huge', 'TPU-v5', 'x'.repeat(100_000)])('what comes near none is refused with the list', (name) => {
    expect(machineTypeProblem(name)).toContain('Choose one of XS, S, M, L, XL, GPU-RTX4090');
  });

  it('exists for every virtual GPU', () => {
    for (const name of gpuNames) expect(machineTypes).toContain(`GPU-${name}`);
  });
});
