import type { Store } from '../store/open.ts';
import { integer, text } from '../store/rows.ts';

export interface Retention {
  readonly now: number;
  readonly retentionMs: number;
  readonly maxBytes: number;
}

/** Results stay readable for at least an hour, whatever the size cap says (gateway-http.md §6.1). */
const atLeastMs = 60 * 60 * 1000;
/** Rows per transaction, so that callers don't wait long (measured: 20 µs per request with its bodies). */
const chunk = 500;
const freedPages = 2_000;

/**
 * Drops some of the finished requests that are older than the retention or, oldest first, above the size cap.
 * Returns their ids; none: there is nothing left to drop.
 */
export function pruneSome(store: Store, { now, retentionMs, maxBytes }: Retention): readonly string[] {
  const cutoff = Math.max(now - retentionMs - 1, cutoffForSize());
  const dropped = store.transaction(() =>
    store
      .sql(`DELETE FROM requests WHERE seq IN (
        SELECT seq FROM requests WHERE phase = 2 AND completed_at <= ? ORDER BY completed_at LIMIT ${chunk}) RETURNING id`)
      .all(cutoff),
  );
  // Gives freed pages back to the file system.
  if (dropped.length > 0) store.sql(`PRAGMA incremental_vacuum(${freedPages})`).all();
  return dropped.map((row) => text(row, 'id'));

  function cutoffForSize(): number {
    let excess =
      integer(store.sql('SELECT total(size) AS bytes FROM requests WHERE phase = 2').get() ?? {}, 'bytes') - maxBytes;
    let at = Number.NEGATIVE_INFINITY;
    if (excess <= 0) return at;
    const oldest = `SELECT completed_at, size FROM requests WHERE phase = 2 AND completed_at <= ? ORDER BY completed_at LIMIT ${chunk}`;
    for (const row of store.sql(oldest).all(now - atLeastMs)) {
      if (excess <= 0) break;
      at = integer(row, 'completed_at');
      excess -= integer(row, 'size');
    }
    return at;
  }
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
