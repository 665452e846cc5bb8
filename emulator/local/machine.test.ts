import { expect, it } from 'vitest';
import { machine, roomForRunners } from './machine.ts';

const gibibyte = 1024 ** 3;

it.each([
  [24, 2, 16],
  [16, 8, 32],
  [64, 4, 32],
  [1, 1, 4],
  [512, 64, 512],
])('a machine with %i GiB and %i cores has room for %i runners', (memory, cores, runners) => {
  expect(roomForRunners({ memoryBytes: memory * gibibyte, cores })).toBe(runners);
});

it('this machine has memory and cores', () => {
  const { memoryBytes, cores } = machine();
  expect(memoryBytes).toBeGreaterThan(gibibyte / 4);
  expect(cores).toBeGreaterThanOrEqual(1);
});
