import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Store } from '../store/open.ts';
import { DamagedRow } from '../store/rows.ts';
import { keyValueRecords } from './key-value-records.ts';
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
  /**
   * Removes expired values in batches, until `isOver`.
   * @returns their number
   */
  prune(isOver?: () => boolean): Promise<number>;
}

/** The documented limit, 1.9 MB (use-kv-store). */
export const maxValueBytes = 1_900_000;

/** The number of expired values that are removed in one turn of the event loop: each may have 1.9 MB. */
const atOnce = 20;

export function createKeyValues(store: Store, quota: Quota, clock: () => number): KeyValues {
  const records = keyValueRecords(store);
  quota.take(records.used());

  return {
    get(db, key) {
      const name = nameOf(db, key);
      const value = records.find(name, clock());
      if (!(value instanceof DamagedRow)) return value;
      quota.give(records.remove(name));
      records.notice(`A damaged value of the key-value store ${db} was dropped: ${value.message}.`);
      return undefined;
    },
    set(db, key, value, seconds) {
      if (value.length > maxValueBytes) throw new Refusal('too_large', 'A value may have at most 1.9 MB.');
      const name = nameOf(db, key);
      const more = value.length - records.sizeOf(name);
      quota.take(more);
      try {
        records.put(name, value, clock() + seconds * 1000);
      } catch (error) {
        quota.give(more);
        throw error;
      }
    },
    delete: (db, key) => quota.give(records.remove(nameOf(db, key))),
    async prune(isOver = () => false) {
      let count = 0;
      for (let some = atOnce; some === atOnce && !isOver(); await nextTurn()) {
        const removed = records.removeExpired(clock(), atOnce);
        for (const size of removed) quota.give(size);
        some = removed.length;
        count += some;
      }
      return count;
    },
  };
}

/** A single text for both parts that is unique for each pair. */
function nameOf(db: string, key: string): string {
  return JSON.stringify([db, key]);
}
