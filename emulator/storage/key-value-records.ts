import type { Store } from '../store/open.ts';
import { bytes, checksum, DamagedRow, integer } from '../store/rows.ts';

/**
 * The values of key-value stores on disk, by name.
 *
 * - Atomic: each call. A value that is put again replaces the previous one in one step.
 * - Durable when a call returns: it survives power loss (a store with synchronous=FULL). A `put` that throws has
 *   changed nothing (DiskTrouble: the disk accepts no writes).
 * - Loaded: complete values only; a damaged one is returned as DamagedRow, for its caller to remove.
 * - Excluded: a second process. The caller accounts for the quota: each removal returns the bytes that its values
 *   counted.
 */
export interface KeyValueRecords {
  /** Creates or replaces it. */
  put(name: string, value: Uint8Array, expiresAt: number): void;
  /** `undefined`: the value doesn't exist, or has expired at `now`. */
  find(name: string, now: number): Uint8Array | DamagedRow | undefined;
  /** The bytes of the value, expired or not; 0: it doesn't exist. */
  sizeOf(name: string): number;
  /** @returns its bytes; 0: it didn't exist */
  remove(name: string): number;
  /**
   * Removes at most this many of the values that have expired at `now`.
   * @returns the bytes of each
   */
  removeExpired(now: number, max: number): readonly number[];
  /** The bytes of all values. */
  used(): number;
  /** A sentence for the user, reported once. */
  notice(sentence: string): void;
}

export function keyValueRecords(store: Store): KeyValueRecords {
  return {
    put: (name, value, expiresAt) =>
      store.transaction(() => {
        store
          .sql('INSERT OR REPLACE INTO key_values (name, value, expires_at, check_sum) VALUES (?, ?, ?, ?)')
          .run(name, value, expiresAt, checksum(name, value));
      }),
    find(name, now) {
      const row = store.sql('SELECT value, expires_at, check_sum FROM key_values WHERE name = ?').get(name);
      if (!row || integer(row, 'expires_at') <= now) return undefined;
      try {
        const value = bytes(row, 'value');
        if (checksum(name, value) !== integer(row, 'check_sum')) throw new DamagedRow('the checksum differs');
        return value;
      } catch (error) {
        if (error instanceof DamagedRow) return error;
        throw error;
      }
    },
    sizeOf: (name) => sizeIn(store.sql('SELECT length(value) AS size FROM key_values WHERE name = ?').get(name)),
    remove: (name) =>
      sizeIn(store.sql('DELETE FROM key_values WHERE name = ? RETURNING length(value) AS size').get(name)),
    removeExpired: (now, max) =>
      store
        .sql(
          `DELETE FROM key_values WHERE name IN (
            SELECT name FROM key_values WHERE expires_at <= ? LIMIT ?) RETURNING length(value) AS size`,
        )
        .all(now, max)
        .map(sizeIn),
    used: () => sizeIn(store.sql('SELECT coalesce(sum(length(value)), 0) AS size FROM key_values').get()),
    notice: store.notice,
  };
}

function sizeIn(row: Parameters<typeof integer>[0] | undefined): number {
  return row ? integer(row, 'size') : 0;
}
