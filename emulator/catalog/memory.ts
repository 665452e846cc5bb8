import { contain, type Report } from '../local/loop/contain.ts';
import type { Records } from './records.ts';

/**
 * Records of one kind in memory, in the order in which they first appeared. A write is on disk before it changes
 * memory.
 */
export interface Memory<T> {
  get(id: string): T | undefined;
  all(): T[];
  /** @throws DiskTrouble: nothing has changed */
  put(id: string, value: T): T;
  /** Like `put`; on a full disk, it takes effect at once and is written when there is room. */
  keep(id: string, value: T): void;
  /**
   * `undefined`: there was no such record.
   * @throws DiskTrouble: nothing has changed
   */
  remove(id: string): T | undefined;
  /** Updates memory after records were removed from disk together with others. */
  forget(id: string): void;
  /**
   * Calls `listener` with the id of each record that was put, kept, or removed, in the same turn and after memory was
   * updated. An error that it throws is reported and does not affect the others. Returns a function that unsubscribes.
   */
  follow(listener: (id: string) => void): () => void;
}

export function createMemory<T>(records: Records<T>, report: Report): Memory<T> {
  const present = new Map(records.load().map(({ id, value }) => [id, value]));
  const followers = new Set<(id: string) => void>();
  const changed = (id: string): void => {
    for (const follower of [...followers]) contain(report, follower)(id);
  };
  const forget = (id: string): void => {
    present.delete(id);
    changed(id);
  };
  return {
    get: (id) => present.get(id),
    all: () => [...present.values()],
    put(id, value) {
      records.put(id, value);
      present.set(id, value);
      changed(id);
      return value;
    },
    keep(id, value) {
      present.set(id, value);
      changed(id);
      records.keep(id, () => present.get(id)).catch(report);
    },
    remove(id) {
      const value = present.get(id);
      if (value === undefined) return undefined;
      records.remove(id);
      forget(id);
      return value;
    },
    forget,
    follow(listener) {
      followers.add(listener);
      return () => void followers.delete(listener);
    },
  };
}
