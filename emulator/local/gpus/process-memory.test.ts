import { describe, expect, it } from 'vitest';
import { memoryOf } from './process-memory.ts';

/** 10 is a keeper with the runner 11 and an orphan 15; 20 and 21 are those of another runner. */
const parents: { readonly [pid: number]: number } = { 10: 2, 11: 10, 12: 11, 13: 12, 15: 10, 20: 2, 21: 20, 2: 1 };
const parentOf = (pid: number) => parents[pid];
const used = (pid: number, memoryMib?: number, uuid = 'GPU-a') => ({
  pid,
  uuid,
  ...(memoryMib === undefined ? {} : { memoryMib }),
});

describe('the GPU memory of a runner', () => {
  it('is that of its main process, its children, and orphans that its keeper adopted', () => {
    const processes = [used(11, 100), used(13, 20), used(15, 3), used(21, 1000), used(99, 5000), used(11, 7, 'GPU-b')];
    expect(memoryOf(processes, 'GPU-a', 11, parentOf)).toBe(123);
    expect(memoryOf(processes, 'GPU-b', 11, parentOf)).toBe(7);
    expect(memoryOf(processes, 'GPU-a', 21, parentOf)).toBe(1000);
  });

  it.each([
    ['no process is listed', []],
    ['its memory is not reported', [used(11)]],
    ['only others use the GPU', [used(21, 9), used(1, 9)]],
  ])('is unknown if %s', (_name, processes) => {
    expect(memoryOf(processes, 'GPU-a', 11, parentOf)).toBeUndefined();
  });

  it('is found with the parents that the system reports', () => {
    expect(memoryOf([used(process.pid, 5)], 'GPU-a', process.ppid)).toBe(5);
    expect(memoryOf([used(2 ** 22 + 1, 5)], 'GPU-a', process.pid)).toBeUndefined();
  });

  it('is searched in a circle of parents only once', () => {
    expect(memoryOf([used(5, 1)], 'GPU-a', 11, (pid) => (pid === 5 ? 6 : 5))).toBe(1);
    expect(memoryOf([used(5, 1)], 'GPU-a', 11, (pid) => (pid === 11 ? 10 : pid === 5 ? 6 : 5))).toBeUndefined();
  });
});
