import type { z } from 'zod';
import type { Store } from './open.ts';
import { checksum, DamagedRow, integer, jsonOf, text } from './rows.ts';

/** A table of JSON documents by id, for data that is small, read from memory, and rarely written. */
export interface Documents<T> {
  /**
   * All documents in the order in which they were first put. Damaged ones are removed and reported by
   * `store.notices()`.
   */
  load(): readonly { readonly id: string; readonly value: T }[];
  put(id: string, value: T): void;
  delete(id: string): void;
}

/** The schema statement of a document table. */
export function documentTable(name: string): string {
  return (
    `CREATE TABLE ${name} (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document TEXT NOT NULL, ` +
    'check_sum INTEGER NOT NULL) STRICT'
  );
}

/**
 * `table` must be a constant of the code. Call the writing methods inside `store.transaction`. `shape` must accept what
 * any earlier minifal wrote: a field that was added later needs a default there (test/unit/old-folders.test.ts opens
 * folders of earlier versions).
 */
export function createDocuments<T>(store: Store, table: string, shape: z.ZodType<T>): Documents<T> {
  const put = `INSERT INTO ${table} (id, document, check_sum) VALUES (?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET document = excluded.document, check_sum = excluded.check_sum`;
  const remove = `DELETE FROM ${table} WHERE seq = ?`;
  return {
    load() {
      const documents: { id: string; value: T }[] = [];
      for (const row of store.sql(`SELECT seq, id, document, check_sum FROM ${table} ORDER BY seq`).all()) {
        try {
          const id = text(row, 'id');
          const document = text(row, 'document');
          if (checksum(`${id}\0${document}`) !== integer(row, 'check_sum'))
            throw new DamagedRow('the checksum differs');
          const read = shape.safeParse(jsonOf(document));
          if (read.success) documents.push({ id, value: read.data });
          // Intact, but written by another version of minifal: we must not delete it.
          else
            store.notice(
              `An entry of ${table} (${id}) can't be read by this version of minifal; it is left unchanged.`,
            );
        } catch (error) {
          if (!(error instanceof DamagedRow)) throw error;
          store.sql(remove).run(integer(row, 'seq'));
          store.notice(`A damaged entry of ${table} (${String(row.id)}) was dropped: ${error.message}.`);
        }
      }
      return documents;
    },
    put(id, value) {
      const document = JSON.stringify(value);
      store.sql(put).run(id, document, checksum(`${id}\0${document}`));
    },
    delete: (id) => void store.sql(`DELETE FROM ${table} WHERE id = ?`).run(id),
  };
}
