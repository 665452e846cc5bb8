import { z } from 'zod';
import type { Store } from '../store/open.ts';
import { checksum, DamagedRow, integer, parsed, text } from '../store/rows.ts';
import type { StoredFile } from './stored-file.ts';

const decision = z.enum(['allow', 'forbid', 'hide']);

/** The format on disk, for all versions of minifal. */
const fileDocument: z.ZodType<StoredFile> = z.object({
  id: z.string(),
  name: z.string(),
  contentType: z.string(),
  userId: z.string(),
  expiresAt: z.number().nullable(),
  acl: z.object({ default: decision, rules: z.array(z.object({ user: z.string(), decision })) }).nullable(),
  size: z.number(),
  md5: z.string(),
});

/**
 * The records of stored files, by id; their content is stored elsewhere.
 *
 * - Atomic: each call. A file that is put again never exists twice, nor is it missing in between.
 * - Durable when a call returns: it survives power loss (a store with synchronous=FULL). A `put` that throws has
 *   changed nothing (DiskTrouble: the disk accepts no writes).
 * - Loaded: complete records only; a damaged one is returned as DamagedRow, for its caller to remove.
 * - Excluded: a second process. The caller must write the content before its record, remove it after its record, and
 *   account for the quota: each removal returns the bytes that its files counted.
 */
export interface FileRecords {
  /**
   * Creates or replaces the record.
   * @returns the bytes of the record it replaced; 0: it is new
   */
  put(file: StoredFile): number;
  has(id: string): boolean;
  /** Includes expired files. */
  find(id: string): StoredFile | DamagedRow | undefined;
  /** @returns its bytes; 0: there was no such record */
  remove(id: string): number;
  /**
   * Removes at most this many of the files that have expired at `now`.
   * @returns the bytes of each
   */
  removeExpired(now: number, max: number): readonly number[];
  /** The bytes of all files. */
  used(): number;
  /** A sentence for the user, reported once. */
  notice(sentence: string): void;
}

export function fileRecords(store: Store): FileRecords {
  function remove(id: string): number {
    const row = store.sql('DELETE FROM stored_files WHERE id = ? RETURNING size').get(id);
    return row ? integer(row, 'size') : 0;
  }

  return {
    put: (file) =>
      store.transaction(() => {
        const former = remove(file.id);
        const document = JSON.stringify(file);
        store
          .sql('INSERT INTO stored_files (id, size, expires_at, about, check_sum) VALUES (?, ?, ?, ?, ?)')
          .run(file.id, file.size, file.expiresAt, document, checksum(document));
        return former;
      }),
    has: (id) => store.sql('SELECT 1 FROM stored_files WHERE id = ?').get(id) !== undefined,
    find(id) {
      const row = store.sql('SELECT about, check_sum FROM stored_files WHERE id = ?').get(id);
      if (!row) return undefined;
      try {
        const document = text(row, 'about');
        if (checksum(document) !== integer(row, 'check_sum')) throw new DamagedRow('the checksum differs');
        return parsed(fileDocument, document);
      } catch (error) {
        if (error instanceof DamagedRow) return error;
        throw error;
      }
    },
    remove,
    removeExpired: (now, max) =>
      store
        .sql(
          `DELETE FROM stored_files WHERE id IN (
            SELECT id FROM stored_files WHERE expires_at <= ? LIMIT ?) RETURNING size`,
        )
        .all(now, max)
        .map((row) => integer(row, 'size')),
    used: () => integer(store.sql('SELECT coalesce(sum(size), 0) AS used FROM stored_files').get() ?? {}, 'used'),
    notice: store.notice,
  };
}
