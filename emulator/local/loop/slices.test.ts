import { expect, it } from 'vitest';
import { inGroups, inSlices } from './slices.ts';

it('does everything in order', async () => {
  const done: number[] = [];
  await inSlices([3, 1, 2], (n) => void done.push(n));
  expect(done).toEqual([3, 1, 2]);
});

it('lets other work run while much is left to do', async () => {
  let others = 0;
  const timer = setInterval(() => others++, 0);
  const spin = (ms: number): void => {
    for (const until = performance.now() + ms; performance.now() < until; );
  };
  await inSlices(Array.from({ length: 20 }), () => spin(6));
  clearInterval(timer);
  expect(others).toBeGreaterThan(10);
});

it('groups the items in order, the remainder last', () => {
  expect([...inGroups([1, 2, 3, 4, 5], 2)]).toEqual([[1, 2], [3, 4], [5]]);
  expect([...inGroups([1, 2], 2)]).toEqual([[1, 2]]);
  expect([...inGroups([], 2)]).toEqual([]);
});

it('stops at an error', async () => {
  const done: number[] = [];
  const work = (n: number): void => {
    if (n === 2) throw new Error('two');
    done.push(n);
  };
  await expect(inSlices([1, 2, 3], work)).rejects.toThrow('two');
  expect(done).toEqual([1]);
});
