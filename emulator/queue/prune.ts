import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Store } from '../store/open.ts';
import { integer, text } from '../store/rows.ts';

export interface Retention {
  readonly now: number;
  readonly retentionMs: number;
  readonly maxBytes: number;
  /** Asked between two steps: nothing more is to be done. */
  readonly isOver: () => boolean;
}

/** Results stay readable for at least an hour, whatever the size cap says (gateway-http.md §6.1). */
const atLeastMs = 60 * 60 * 1000;
/** What one step drops: callers wait for it (measured: 20 µs per request with its bodies, 1 ms per MB of them). */
const chunk = 100;
const chunkBytes = 4 * 1024 * 1024;
const freedPages = 500;
/** Entries of an index that are added up in one step (measured: 0.04 µs each). */
const summedAtOnce = 50_000;

/**
 * Drops the finished requests that are older than the retention or, oldest first, above the size cap. Yields the ids of
 * each step; others have their turn in between.
 */
export async function* pruneInSteps(store: Store, retention: Retention): AsyncGenerator<readonly string[], void> {
  const { now, retentionMs, maxBytes, isOver } = retention;
  let excess = (await finishedBytes(store, isOver)) - maxBytes;
  while (!isOver()) {
    const dropped: { readonly seq: number; readonly id: string }[] = [];
    let bytes = 0;
    for (const row of store.sql(oldest).all(now - Math.min(atLeastMs, retentionMs))) {
      const isOld = integer(row, 'completed_at') < now - retentionMs;
      if (!isOld && (excess <= 0 || integer(row, 'completed_at') > now - atLeastMs)) break;
      if (dropped.length > 0 && bytes + integer(row, 'size') > chunkBytes) break;
      dropped.push({ seq: integer(row, 'seq'), id: text(row, 'id') });
      bytes += integer(row, 'size');
      excess -= integer(row, 'size');
    }
    if (dropped.length === 0) return;
    store.transaction(() => {
      for (const { seq } of dropped) store.sql('DELETE FROM requests WHERE seq = ?').run(seq);
    });
    yield dropped.map(({ id }) => id);
    await nextTurn();
    if (isOver()) return;
    // Gives freed pages back to the file system.
    store.sql(`PRAGMA incremental_vacuum(${freedPages})`).all();
    await nextTurn();
  }
}

const oldest = `SELECT seq, id, completed_at, size FROM requests WHERE phase = 2 AND completed_at <= ?
  ORDER BY completed_at LIMIT ${chunk}`;

/** The bodies of all finished requests, added up a part at a time. */
async function finishedBytes(store: Store, isOver: () => boolean): Promise<number> {
  let sum = 0;
  let after = Number.NEGATIVE_INFINITY;
  while (!isOver()) {
    const last = store
      .sql(
        `SELECT max(completed_at) AS at FROM (SELECT completed_at FROM requests
          WHERE phase = 2 AND completed_at > ? ORDER BY completed_at LIMIT ${summedAtOnce})`,
      )
      .get(after);
    if (typeof last?.at !== 'number') break;
    const part = store
      .sql('SELECT total(size) AS bytes FROM requests WHERE phase = 2 AND completed_at > ? AND completed_at <= ?')
      .get(after, last.at);
    sum += integer(part ?? {}, 'bytes');
    after = last.at;
    await nextTurn();
  }
  return sum;
}

/**
 * Drops every finished request, whatever its age, but those in `keep`. For a store that no queue is open on.
 * @returns how many
 */
export function dropFinished(store: Store, keep: ReadonlySet<string>): number {
  const finished = store.sql('SELECT id FROM requests WHERE phase = 2').all();
  const ids = finished.map((row) => text(row, 'id')).filter((id) => !keep.has(id));
  store.transaction(() => {
    for (const id of ids) store.sql('DELETE FROM requests WHERE id = ?').run(id);
  });
  store.sql('PRAGMA incremental_vacuum').all();
  return ids.length;
}
