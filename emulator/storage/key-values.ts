import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Store } from '../store/open.ts';
import { bytes, checksum, DamagedRow, integer } from '../store/rows.ts';
import type { Quota } from './quota.ts';
import { Refusal } from './refusal.ts';

/** The key-value store of `fal.toolkit.kv` (docs/platform/rest.md#key-values). Values are bytes of UTF-8 text. */
export interface KeyValues {
  /** `undefined`: never set, deleted, or expired. */
  get(db: string, key: string): Uint8Array | undefined;
  /** @param seconds how long it is kept, from now. @throws Refusal `too_large`, `full` */
  set(db: string, key: string, value: Uint8Array, seconds: number): void;
  /** Idempotent. */
  delete(db: string, key: string): void;
  /** Removes what has expired, some at a time, until `isOver`. @returns how many */
  prune(isOver?: () => boolean): Promise<number>;
}

/** The documented limit, 1.9 MB (use-kv-store). */
export const largestValueBytes = 1_900_000;

/** Expired values that are removed in one turn of the event loop: each may have 1.9 MB. */
const atOnce = 20;
const expiredOnes = `DELETE FROM key_values WHERE name IN (
  SELECT name FROM key_values WHERE expires_at <= ? LIMIT ${atOnce}) RETURNING length(value) AS size`;

export function createKeyValues(store: Store, quota: Quota, clock: () => number): KeyValues {
  quota.take(integer(store.sql('SELECT coalesce(sum(length(value)), 0) AS used FROM key_values').get() ?? {}, 'used'));

  function remove(name: string): void {
    const removed = store.sql('DELETE FROM key_values WHERE name = ? RETURNING length(value) AS size').get(name);
    if (removed) quota.give(integer(removed, 'size'));
  }

  return {
    get(db, key) {
      const name = nameOf(db, key);
      const row = store.sql('SELECT value, expires_at, check_sum FROM key_values WHERE name = ?').get(name);
      if (!row || integer(row, 'expires_at') <= clock()) return undefined;
      try {
        const value = bytes(row, 'value');
        if (checksum(name, value) !== integer(row, 'check_sum')) throw new DamagedRow('the checksum differs');
        return value;
      } catch (error) {
        if (!(error instanceof DamagedRow)) throw error;
        remove(name);
        store.notice(`A damaged value of the key-value store ${db} was dropped: ${error.message}.`);
        return undefined;
      }
    },
    set(db, key, value, seconds) {
      if (value.length > largestValueBytes) throw new Refusal('too_large', 'A value may have 1.9 MB.');
      const name = nameOf(db, key);
      const former = store.sql('SELECT length(value) AS size FROM key_values WHERE name = ?').get(name);
      const more = value.length - (former ? integer(former, 'size') : 0);
      quota.take(more);
      try {
        store.transaction(() => {
          store
            .sql('INSERT OR REPLACE INTO key_values (name, value, expires_at, check_sum) VALUES (?, ?, ?, ?)')
            .run(name, value, clock() + seconds * 1000, checksum(name, value));
        });
      } catch (error) {
        quota.give(more);
        throw error;
      }
    },
    delete: (db, key) => remove(nameOf(db, key)),
    async prune(isOver = () => false) {
      let count = 0;
      for (let some = atOnce; some === atOnce && !isOver(); await nextTurn()) {
        const removed = store.sql(expiredOnes).all(clock());
        for (const row of removed) quota.give(integer(row, 'size'));
        some = removed.length;
        count += some;
      }
      return count;
    },
  };
}

/** One text for both, so that no two pairs share it. */
function nameOf(db: string, key: string): string {
  return JSON.stringify([db, key]);
}
