import type { SQLOutputValue } from 'node:sqlite';
import { z } from 'zod';
import { createDocuments } from '../../store/documents.ts';
import { openStore } from '../../store/open.ts';
import { integer, parsed, text, whole } from '../../store/rows.ts';
import { type AppEndpoints, appEndpoints, isFailed } from './endpoints.ts';
import { historyMigrations } from './tables.ts';
import type { Page, PageQuery, TracedRequest } from './types.ts';

/**
 * The history of requests on disk, in a file of its own: the only module that accesses it.
 *
 * - Atomic: each call.
 * - Durable when a call returns: survives the end of the process, but not a power loss (synchronous=NORMAL).
 * - A row that can't be read any more is missing from the results; rows have no checksum.
 * - Excluded: nested calls, and a second process that writes.
 */
export interface HistoryRecords {
  /** @throws DiskTrouble and other disk errors: nothing was written */
  put(requests: readonly TracedRequest[], endpoints: readonly AppEndpoints[]): void;
  /** By number, or by `request_id` among the newest ones. */
  get(key: string): TracedRequest | undefined;
  /**
   * Rows with numbers below `query.before`, from one range of numbers, so that a page costs the same with many rows.
   */
  page(query: PageQuery): Page;
  /** The last ones that ended, latest number first. */
  lastFinished(max: number): readonly TracedRequest[];
  open(): readonly TracedRequest[];
  drop(numbers: readonly number[]): void;
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

const runner = z.object({ id: z.string(), number: z.number() });

/** The format on disk, for all versions of minifal. */
const stored: z.ZodType<TracedRequest> = z.object({
  number: z.number(),
  id: z.string(),
  alias: z.string(),
  kind: z.enum(['queue', 'direct', 'socket', 'function']),
  method: z.string(),
  path: z.string(),
  phase: z.enum(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']),
  submittedAt: z.number(),
  startedAt: z.number().nullable(),
  completedAt: z.number().nullable(),
  attempts: z.number(),
  runner: runner.nullable(),
  revision: z.string().nullable(),
  coldMs: z.number().nullable(),
  status: z.number().nullable(),
  error: z
    .object({ type: z.string(), message: z.string(), file: z.string().nullable(), line: z.number().nullable() })
    .nullable(),
  history: z.array(
    z.object({
      number: z.number(),
      runner,
      startedAt: z.number(),
      endedAt: z.number().nullable(),
      status: z.number().nullable(),
      because: z.string().nullable(),
    }),
  ),
});

/** The numbers that one page looks at (measured: 0.3 µs each with a search). */
const pageRange = 20_000;

const openState = 0;
const states = { done: 1, failed: 2 } as const;

/** @throws UserError, DiskTrouble like `openStore` */
export function openHistoryRecords(file: string): HistoryRecords {
  const store = openStore(file, { migrations: historyMigrations, synchronous: 'NORMAL' });
  const { sql } = store;
  const endpoints = createDocuments<AppEndpoints>(store, 'endpoints', appEndpoints);

  const insert = (request: TracedRequest): void => {
    const { number, id, alias, phase, completedAt } = request;
    const state = phase !== 'COMPLETED' ? openState : isFailed(request) ? states.failed : states.done;
    sql('INSERT OR REPLACE INTO requests VALUES (?, ?, ?, ?, ?, ?)').run(
      number,
      id,
      alias,
      state,
      completedAt,
      JSON.stringify(request),
    );
  };

  return {
    put(requests, apps) {
      store.transaction(() => {
        requests.forEach(insert);
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
      return row && whole(() => decode(row));
    },
    page({ before, alias, state, text: part, limit }) {
      const range = sql('SELECT min(number) AS first, max(number) AS last FROM requests').get();
      const [first, last] = [Number(range?.first ?? 0), Number(range?.last ?? 0)];
      const end = Math.min(before ?? Number.POSITIVE_INFINITY, last + 1);
      const begin = Math.max(first, end - pageRange);
      const conditions: (readonly [string, string | number | undefined])[] = [
        ['number < ?', end],
        ['number >= ?', begin],
        ['alias = ?', alias],
        [
          'state = ?',
          state === undefined ? undefined : state in states ? states[state as 'done' | 'failed'] : openState,
        ],
        // The document has other words, too: the caller looks at the fields.
        ["document LIKE ? ESCAPE '\\'", part && `%${inJson(part).replace(/[\\%_]/g, '\\$&')}%`],
      ];
      const set = conditions.filter((one): one is readonly [string, string | number] => one[1] !== undefined);
      const where = set.map(([condition]) => condition).join(' AND ');
      const rows = sql(`SELECT number, document FROM requests WHERE ${where} ORDER BY number DESC LIMIT ?`).all(
        ...set.map(([, value]) => value),
        limit,
      );
      const lastRow = rows.at(-1);
      const next = rows.length === limit && lastRow ? integer(lastRow, 'number') : begin;
      return { requests: decodeAll(rows), before: last > 0 && next > first ? next : null };
    },
    lastFinished: (max) =>
      decodeAll(sql('SELECT document FROM requests WHERE state > 0 ORDER BY number DESC LIMIT ?').all(max)),
    open: () => decodeAll(sql('SELECT document FROM requests WHERE state = 0 ORDER BY number').all()),
    drop(numbers) {
      store.transaction(() => {
        for (const number of numbers) sql('DELETE FROM requests WHERE number = ?').run(number);
      });
    },
    endpoints: () => endpoints.load().map(({ value }) => value),
    dropEndpoints: (alias) => store.transaction(() => endpoints.delete(alias)),
    lastNumber: () => Number(sql('SELECT max(number) AS last FROM requests').get()?.last ?? 0),
    finished: () => Number(sql('SELECT count(*) AS n FROM requests WHERE state > 0').get()?.n ?? 0),
    dropOldest({ before, belowNumber }, max) {
      const rows = sql('SELECT number, completed_at FROM requests WHERE state > 0 ORDER BY number LIMIT ?').all(max);
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

/** A text as it is spelled inside of a document. */
function inJson(part: string): string {
  return JSON.stringify(part).slice(1, -1);
}

function decodeAll(rows: readonly { readonly [column: string]: SQLOutputValue }[]): readonly TracedRequest[] {
  return rows.flatMap((row) => whole(() => decode(row)) ?? []);
}

function decode(row: { readonly [column: string]: SQLOutputValue }): TracedRequest {
  return parsed(stored, text(row, 'document'));
}
