import type { Store } from '../store/open.ts';
import { bytes, checksum, DamagedRow, integer, parsed, text, whole } from '../store/rows.ts';
import { inputDocument, outcomeDocument, recordDocument, type StoredOutcome } from './documents.ts';
import type { RequestOutcome, RequestRecord, SubmittedRequest, Wishes } from './types.ts';

type Spec = Omit<SubmittedRequest, 'body'>;

export interface RecordRow {
  readonly seq: number;
  readonly storeIo: boolean;
  readonly record: RequestRecord;
  /** Of those that wait; absent where an earlier minifal stored it. */
  readonly wishes?: Wishes;
}

const phaseNumber = { IN_QUEUE: 0, IN_PROGRESS: 1, COMPLETED: 2 } as const;
const columns = 'seq, id, alias, phase, record, check_sum';
const nothing = new Uint8Array();

const uniqueFailed = 2067;

/** What `insert` throws when there is a request of this id. */
export function isTakenId(error: unknown): boolean {
  return (
    error instanceof Error &&
    'errcode' in error &&
    error.errcode === uniqueFailed &&
    error.message.includes('requests.id')
  );
}

/** Reads and writes single rows of the queue's tables; transactions and memory are its caller's business. */
export function queueRows(store: Store) {
  return {
    insert({ seq, ...row }: RecordRow, request: SubmittedRequest): void {
      const { record } = row;
      const document = JSON.stringify(row);
      store
        .sql('INSERT INTO requests (seq, id, alias, phase, size, record, check_sum) VALUES (?, ?, ?, 0, ?, ?, ?)')
        .run(seq, record.id, record.alias, request.body.length, document, checksum(document));
      const { body, ...spec } = request;
      writeInput(seq, spec, body);
    },

    update: updateRecord,

    /** The last record and its result; a request that asked for it loses its input (gateway-http.md §6.2). */
    finish({ seq, storeIo, record }: RecordRow, outcome: RequestOutcome): void {
      updateRecord({ seq, storeIo, record });
      const body = outcome.kind === 'response' ? outcome.response.body : nothing;
      const stored: StoredOutcome =
        outcome.kind === 'error'
          ? outcome
          : { kind: 'response', response: { status: outcome.response.status, headers: outcome.response.headers } };
      const document = JSON.stringify(stored);
      store
        .sql('INSERT OR REPLACE INTO results (seq, outcome, body, check_sum) VALUES (?, ?, ?, ?)')
        .run(seq, document, body, checksum(document, body));
      if (storeIo) store.sql('UPDATE requests SET size = size + ? WHERE seq = ?').run(body.length, seq);
      else {
        const input = readInput(seq);
        if (input) {
          const { body: _, ...spec } = input;
          writeInput(seq, { ...spec, query: '' }, nothing);
        }
        store.sql('UPDATE requests SET size = ? WHERE seq = ?').run(body.length, seq);
      }
    },

    find(id: string): RecordRow | undefined {
      const row = store.sql(`SELECT ${columns} FROM requests WHERE id = ?`).get(id);
      if (!row) return undefined;
      const found = whole(() => decode(row));
      if (!found) store.notice(`The record of request ${id} is damaged; the request is unknown now.`);
      return found;
    },

    /** Newest first; damaged ones are left out. */
    newest(alias: string, limit: number): RecordRow[] {
      const rows = store
        .sql(`SELECT ${columns} FROM requests WHERE alias = ? ORDER BY seq DESC LIMIT ?`)
        .all(alias, limit);
      return rows.flatMap((row) => whole(() => decode(row)) ?? []);
    },

    /**
     * Oldest first. A damaged record can't be performed nor answered: it is removed and told by the store's notices.
     */
    unfinished(): RecordRow[] {
      const found: RecordRow[] = [];
      const damaged: { readonly seq: number; readonly id: string }[] = [];
      // One by one: all of their documents at once would have to be moved about in memory until the last is read.
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

    input: readInput,

    outcome(seq: number): RequestOutcome | undefined {
      const row = store.sql('SELECT outcome, body, check_sum FROM results WHERE seq = ?').get(seq);
      if (!row) return undefined;
      return whole(() => {
        const document = text(row, 'outcome');
        const body = bytes(row, 'body');
        if (checksum(document, body) !== integer(row, 'check_sum')) throw new DamagedRow('the checksum differs');
        const stored = parsed(outcomeDocument, document);
        return stored.kind === 'error' ? stored : { kind: 'response', response: { ...stored.response, body } };
      });
    },

    lastSeq(): number {
      return Number(store.sql('SELECT max(seq) AS last FROM requests').get()?.last ?? 0);
    },
  };

  function updateRecord({ seq, ...row }: RecordRow): void {
    const { record } = row;
    const document = JSON.stringify(row);
    store
      .sql('UPDATE requests SET phase = ?, completed_at = ?, record = ?, check_sum = ? WHERE seq = ?')
      .run(phaseNumber[record.phase], record.completedAt, document, checksum(document), seq);
  }

  function writeInput(seq: number, spec: Spec, body: Uint8Array): void {
    const document = JSON.stringify(spec);
    store
      .sql('INSERT OR REPLACE INTO inputs (seq, spec, body, check_sum) VALUES (?, ?, ?, ?)')
      .run(seq, document, body, checksum(document, body));
  }

  function readInput(seq: number): SubmittedRequest | undefined {
    const row = store.sql('SELECT spec, body, check_sum FROM inputs WHERE seq = ?').get(seq);
    if (!row) return undefined;
    return whole(() => {
      const document = text(row, 'spec');
      const body = bytes(row, 'body');
      if (checksum(document, body) !== integer(row, 'check_sum')) throw new DamagedRow('the checksum differs');
      return { ...parsed(inputDocument, document), body };
    });
  }
}

function decode(row: Parameters<typeof text>[0]): RecordRow {
  const document = text(row, 'record');
  if (checksum(document) !== integer(row, 'check_sum')) throw new DamagedRow('the checksum differs');
  const stored = parsed(recordDocument, document);
  const { record } = stored;
  // The columns repeat the document for the indexes; they must not have changed without it.
  const same = record.id === row.id && record.alias === row.alias && phaseNumber[record.phase] === row.phase;
  if (!same) throw new DamagedRow('its columns differ from its document');
  return { seq: integer(row, 'seq'), ...stored };
}
