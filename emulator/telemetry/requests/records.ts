import type { Checkpoints } from '../../store/checkpoints.ts';
import { createDocuments } from '../../store/documents.ts';
import { openStore } from '../../store/open.ts';
import { integer, whole } from '../../store/rows.ts';
import { type AppEndpoints, appEndpoints, isFailed } from './endpoints.ts';
import { decodeAll, decodeRequest, openState, pageRange, states } from './row-records.ts';
import { historyMigrations } from './tables.ts';
import type { TracedRequest } from './types.ts';

/**
 * The history of requests on disk, in a file of its own: the only module that accesses it.
 *
 * - Atomic: each call.
 * - Durable when a call returns: survives the end of the process, but not a power loss (synchronous=NORMAL).
 * - A row that can't be read any more is missing from the results; rows have no checksum.
 * - Excluded: nested calls, and a second process that writes.
 */
export interface HistoryRecords {
  readonly file: string;
  /** @throws DiskTrouble and other disk errors: nothing was written */
  put(requests: readonly TracedRequest[], endpoints: readonly AppEndpoints[]): void;
  /** By number, or by `request_id` among the newest ones. */
  get(key: string): TracedRequest | undefined;
  /** The last ones that ended, latest number first. */
  lastFinished(max: number): readonly TracedRequest[];
  open(): readonly TracedRequest[];
  endpoints(): readonly AppEndpoints[];
  dropEndpoints(alias: string): void;
  /** The highest number; 0: there are none. */
  lastNumber(): number;
  finished(): number;
  /**
   * Drops up to `max` finished requests that ended before `before`, or whose number is below `belowNumber`.
   * @returns their number
   */
  dropOldest(limits: { readonly before: number; readonly belowNumber: number }, max: number): number;
  notices(): readonly string[];
  close(): void;
}

const open = 'SELECT document FROM requests WHERE state = 0 ORDER BY number';
const lastNumber = 'SELECT max(number) AS last FROM requests';
const counts = 'SELECT (SELECT count(*) FROM requests) - (SELECT count(*) FROM requests WHERE state = 0) AS finished';
const firstReads = [open, lastNumber, counts, 'SELECT document FROM endpoints'];

/** Rows of one statement: each call of SQLite costs a quarter of a row. */
const atOnce = 16;
const insertOne = 'INSERT OR REPLACE INTO requests VALUES (?, ?, ?, ?, ?, ?)';
const insertMany = `${insertOne}${', (?, ?, ?, ?, ?, ?)'.repeat(atOnce - 1)}`;

function columnsOf(request: TracedRequest): (string | number | null)[] {
  const { number, id, alias, phase, completedAt } = request;
  const state = phase !== 'COMPLETED' ? openState : isFailed(request) ? states.failed : states.done;
  return [number, id, alias, state, completedAt, JSON.stringify(request)];
}

/** @throws UserError, DiskTrouble like `openStore` */
export function openHistoryRecords(file: string, checkpoints?: Checkpoints): HistoryRecords {
  const store = openStore(file, { migrations: historyMigrations, synchronous: 'NORMAL', firstReads, checkpoints });
  const { sql } = store;
  const endpoints = createDocuments<AppEndpoints>(store, 'endpoints', appEndpoints);

  const insert = (requests: readonly TracedRequest[]): void => {
    const [one, many] = [sql(insertOne), sql(insertMany)];
    const whole = requests.length - (requests.length % atOnce);
    for (let i = 0; i < whole; i += atOnce) many.run(...requests.slice(i, i + atOnce).flatMap(columnsOf));
    for (const request of requests.slice(whole)) one.run(...columnsOf(request));
  };

  return {
    file,
    put(requests, apps) {
      store.transaction(() => {
        insert(requests);
        for (const app of apps) endpoints.put(app.alias, app);
      });
    },
    get(key) {
      const row = /^\d{1,15}$/.test(key)
        ? sql('SELECT document FROM requests WHERE number = ?').get(Number(key))
        : sql(
            `SELECT document FROM requests WHERE number > (SELECT max(number) FROM requests) - ${pageRange} AND id = ?
              ORDER BY number DESC LIMIT 1`,
          ).get(key);
      return row && whole(() => decodeRequest(row));
    },
    lastFinished: (max) =>
      decodeAll(sql('SELECT document FROM requests WHERE +state > 0 ORDER BY number DESC LIMIT ?').all(max)),
    open: () => decodeAll(sql(open).all()),
    endpoints: () => endpoints.load().map(({ value }) => value),
    dropEndpoints: (alias) => store.transaction(() => endpoints.delete(alias)),
    lastNumber: () => Number(sql(lastNumber).get()?.last ?? 0),
    // Counts entries of the index, without their rows.
    finished: () => Number(sql(counts).get()?.finished ?? 0),
    dropOldest({ before, belowNumber }, max) {
      const rows = sql('SELECT number, completed_at FROM requests WHERE +state > 0 ORDER BY number LIMIT ?').all(max);
      const old = rows.filter((row) => Number(row.number) < belowNumber || Number(row.completed_at) < before);
      if (old.length === 0) return 0;
      store.transaction(() => {
        for (const row of old) sql('DELETE FROM requests WHERE number = ?').run(integer(row, 'number'));
      });
      return old.length;
    },
    notices: store.notices,
    close: store.close,
  };
}
