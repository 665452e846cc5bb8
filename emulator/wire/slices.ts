import { setImmediate as nextTurn } from 'node:timers/promises';

/** Long enough to get on, and far from what a caller in between would notice. */
const sliceMs = 5;

/**
 * Does `work` for each item in their order, a few milliseconds' worth in each turn of the event loop. Rejects with what
 * it throws.
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
