import type { Store } from '../store/open.ts';
import { checksum, DamagedRow, integer, parsed, text, whole } from '../store/rows.ts';
import { recordDocument } from './documents.ts';
import type { RequestOptions, RequestRecord } from './types.ts';

export interface RecordRow {
  readonly seq: number;
  readonly storeIo: boolean;
  readonly record: RequestRecord;
  /** For waiting requests only; absent if an earlier version of minifal stored the record. */
  readonly wishes?: RequestOptions;
}

/** A finished request, as far as it is known without reading its record. */
export interface FinishedRow {
  readonly seq: number;
  readonly id: string;
  readonly completedAt: number;
  /** Total bytes of its bodies. */
  readonly size: number;
}

const phaseNumber = { IN_QUEUE: 0, IN_PROGRESS: 1, COMPLETED: 2 } as const;
const columns = 'seq, id, alias, phase, record, check_sum';
const uniqueFailed = 2067;

/** Whether `insert` threw this because a request with this ID exists. */
export function isTakenId(error: unknown): boolean {
  return (
    error instanceof Error &&
    'errcode' in error &&
    error.errcode === uniqueFailed &&
    error.message.includes('requests.id')
  );
}

/** Reads and writes single rows of the request table. Transactions belong to records.ts. */
export function requestRows(store: Store) {
  return {
    /** `size`: bytes of its input. */
    insert({ seq, ...row }: RecordRow, size: number): void {
      const { record } = row;
      const document = JSON.stringify(row);
      store
        .sql('INSERT INTO requests (seq, id, alias, phase, size, record, check_sum) VALUES (?, ?, ?, 0, ?, ?, ?)')
        .run(seq, record.id, record.alias, size, document, checksum(document));
    },

    update({ seq, ...row }: RecordRow): void {
      const { record } = row;
      const document = JSON.stringify(row);
      store
        .sql('UPDATE requests SET phase = ?, completed_at = ?, record = ?, check_sum = ? WHERE seq = ?')
        .run(phaseNumber[record.phase], record.completedAt, document, checksum(document), seq);
    },

    grow: (seq: number, bytes: number) =>
      void store.sql('UPDATE requests SET size = size + ? WHERE seq = ?').run(bytes, seq),

    resize: (seq: number, bytes: number) =>
      void store.sql('UPDATE requests SET size = ? WHERE seq = ?').run(bytes, seq),

    find(id: string): RecordRow | undefined {
      const row = store.sql(`SELECT ${columns} FROM requests WHERE id = ?`).get(id);
      if (!row) return undefined;
      const found = whole(() => decode(row));
      if (!found) store.notice(`The record of request ${id} is damaged; the request is no longer known.`);
      return found;
    },

    newest(alias: string, limit: number): readonly RecordRow[] {
      const rows = store
        .sql(`SELECT ${columns} FROM requests WHERE alias = ? ORDER BY seq DESC LIMIT ?`)
        .all(alias, limit);
      return rows.flatMap((row) => whole(() => decode(row)) ?? []);
    },

    unfinished(): readonly RecordRow[] {
      const found: RecordRow[] = [];
      const damaged: { readonly seq: number; readonly id: string }[] = [];
      // One by one: loading all documents at once would keep them all in memory until the last one is read.
      for (const row of store.sql(`SELECT ${columns} FROM requests WHERE phase < 2 ORDER BY seq`).iterate()) {
        const decoded = whole(() => decode(row));
        if (decoded) found.push(decoded);
        else damaged.push({ seq: integer(row, 'seq'), id: String(row.id) });
      }
      for (const { seq, id } of damaged) {
        store.sql('DELETE FROM requests WHERE seq = ?').run(seq);
        store.notice(`The damaged record of request ${id} was dropped.`);
      }
      return found;
    },

    lastSeq: () => Number(store.sql('SELECT max(seq) AS last FROM requests').get()?.last ?? 0),
  };
}

/** Finished rows of the table, for pruning. */
export function finishedRows(store: Store) {
  return {
    oldest(until: number, most: number): readonly FinishedRow[] {
      const rows = store
        .sql(
          `SELECT seq, id, completed_at, size FROM requests WHERE phase = 2 AND completed_at <= ?
            ORDER BY completed_at LIMIT ?`,
        )
        .all(until, most);
      return rows.map((row) => ({
        seq: integer(row, 'seq'),
        id: text(row, 'id'),
        completedAt: integer(row, 'completed_at'),
        size: integer(row, 'size'),
      }));
    },

    bytesAfter(after: number, most: number): { readonly bytes: number; readonly last: number } | undefined {
      const last = store
        .sql(
          `SELECT max(completed_at) AS at FROM (SELECT completed_at FROM requests
            WHERE phase = 2 AND completed_at > ? ORDER BY completed_at LIMIT ?)`,
        )
        .get(after, most)?.at;
      if (typeof last !== 'number') return undefined;
      const part = store
        .sql('SELECT total(size) AS bytes FROM requests WHERE phase = 2 AND completed_at > ? AND completed_at <= ?')
        .get(after, last);
      return { bytes: integer(part ?? {}, 'bytes'), last };
    },

    all: (): readonly Pick<FinishedRow, 'seq' | 'id'>[] =>
      store
        .sql('SELECT seq, id FROM requests WHERE phase = 2')
        .all()
        .map((row) => ({ seq: integer(row, 'seq'), id: text(row, 'id') })),

    /** Also removes the input and the result. */
    remove: (seq: number) => void store.sql('DELETE FROM requests WHERE seq = ?').run(seq),

    /** Returns free pages to the file system. */
    shrink: (pages: number | 'all') =>
      void store.sql(`PRAGMA incremental_vacuum${pages === 'all' ? '' : `(${pages})`}`).all(),
  };
}

function decode(row: Parameters<typeof text>[0]): RecordRow {
  const document = text(row, 'record');
  if (checksum(document) !== integer(row, 'check_sum')) throw new DamagedRow('the checksum differs');
  const stored = parsed(recordDocument, document);
  const { record } = stored;
  // The columns repeat fields of the document for the indexes. A difference means that the row is damaged.
  const same = record.id === row.id && record.alias === row.alias && phaseNumber[record.phase] === row.phase;
  if (!same) throw new DamagedRow('its columns differ from its document');
  return { seq: integer(row, 'seq'), ...stored };
}
