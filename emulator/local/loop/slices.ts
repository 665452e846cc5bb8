import { setImmediate as nextTurn } from 'node:timers/promises';

/** Long enough to make progress, and far below what a caller in between would notice. */
const sliceMs = 5;

/** The items in their order, as many as `size` at a time. */
export function* inGroups<T>(items: Iterable<T>, size: number): Generator<readonly T[], void> {
  let group: T[] = [];
  for (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/**
 * Calls `work` for each item in order, a few milliseconds' worth in each turn of the event loop. Rejects with an error
 * that `work` throws.
 */
export async function inSlices<T>(items: Iterable<T>, work: (item: T) => void): Promise<void> {
  let until = performance.now() + sliceMs;
  for (const item of items) {
    work(item);
    if (performance.now() < until) continue;
    await nextTurn();
    until = performance.now() + sliceMs;
  }
}
