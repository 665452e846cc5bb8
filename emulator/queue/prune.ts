import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FinishedRecords } from './records.ts';
import type { FinishedRow } from './request-records.ts';

export interface Retention {
  readonly now: number;
  readonly retentionMs: number;
  readonly maxBytes: number;
  /** Checked between steps; `true` stops the pruning. */
  readonly isOver: () => boolean;
}

/** Results stay readable for at least an hour, whatever the size cap says (docs/platform/gateway.md#result). */
const minKeptMs = 60 * 60 * 1000;
/**
 * Requests deleted in one step. Callers wait for a step (measured: 20 µs per request with its bodies, 1 ms per MB of
 * bodies).
 */
const chunk = 100;
const chunkBytes = 4 * 1024 * 1024;
const freedPages = 500;
/** Index entries summed in one step (measured: 0.04 µs each). */
const summedAtOnce = 50_000;

/**
 * Deletes finished requests that are older than the retention period and, oldest first, those above the size cap.
 * Yields the IDs of each step, and lets other work run between steps.
 */
export async function* pruneInSteps(
  finished: FinishedRecords,
  retention: Retention,
): AsyncGenerator<readonly string[], void> {
  const { now, retentionMs, maxBytes, isOver } = retention;
  let excess = (await finishedBytes(finished, isOver)) - maxBytes;
  while (!isOver()) {
    const dropped: FinishedRow[] = [];
    let bytes = 0;
    for (const row of finished.oldest(now - Math.min(minKeptMs, retentionMs), chunk)) {
      const isOld = row.completedAt < now - retentionMs;
      if (!isOld && (excess <= 0 || row.completedAt > now - minKeptMs)) break;
      if (dropped.length > 0 && bytes + row.size > chunkBytes) break;
      dropped.push(row);
      bytes += row.size;
      excess -= row.size;
    }
    if (dropped.length === 0) return;
    finished.drop(dropped);
    yield dropped.map(({ id }) => id);
    await nextTurn();
    if (isOver()) return;
    finished.shrink(freedPages);
    await nextTurn();
  }
}

/** The total size of the bodies of all finished requests, summed in parts. */
async function finishedBytes(finished: FinishedRecords, isOver: () => boolean): Promise<number> {
  let sum = 0;
  let after = Number.NEGATIVE_INFINITY;
  while (!isOver()) {
    const part = finished.bytesAfter(after, summedAtOnce);
    if (!part) break;
    sum += part.bytes;
    after = part.last;
    await nextTurn();
  }
  return sum;
}
