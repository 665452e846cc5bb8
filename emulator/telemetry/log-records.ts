import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import type { Checkpoints } from '../store/checkpoints.ts';
import { openStore, type Store } from '../store/open.ts';
import { integer, parsed, text, whole } from '../store/rows.ts';
import { exceptionSchema, type RunnerException } from '../wire/log-lines.ts';
import { severity, tracebackIn } from './level.ts';
import { decodeLine, storedLine } from './line-records.ts';
import { logMigrations } from './migrations.ts';
import { containsText } from './text-records.ts';
import type { LoggedException, LogLine, LogQuery } from './types.ts';

/** Where a step of a search ended, in the order of its query. */
export type Place = readonly [at: number, seq: number];

interface Look {
  /** The matching lines, in the order of the query. */
  readonly lines: readonly LogLine[];
  /** Where the next step starts; `undefined`: there are no more lines. */
  readonly next: Place | undefined;
}

/**
 * Log lines on disk, in a file of their own: the only module of this room that accesses that file.
 *
 * - Atomic: each call. Lines that are added together are all stored, or none is.
 * - Durable when `add` returns: the lines survive the end of the process, but not a power loss (synchronous=NORMAL).
 * - A line that can't be read any more is missing from the results; lines have no checksum.
 * - Excluded: nested calls, and a second process that writes. The caller is responsible for the numbers of lines, their
 *   order of arrival, and removing what they must not contain.
 */
export interface LogRecords {
  /** The highest line number; 0: there are no lines. */
  lastSeq(): number;
  /** @throws DiskTrouble and other disk errors: none of the lines was added */
  add(rows: readonly (LogLine | LoggedException)[]): void;
  /** The latest exception of the request, or of the runner where it names no request. */
  exceptionOf(owner: { readonly requestId: string } | { readonly runnerId: string }): RunnerException | undefined;
  /** All matching lines, up to the query's limit, in one step. */
  find(query: LogQuery): readonly LogLine[];
  /**
   * Examines `max` lines starting at `from` (fewer if all of them match), and returns at most `wanted` of the matching
   * ones.
   */
  look(query: LogQuery, from: Place | undefined, counts: { readonly max: number; readonly wanted: number }): Look;
  /**
   * Drops the oldest lines, about `max` at once, until the rest takes up no more than `maxBytes`, counted in pages.
   * @returns whether there are still too many
   */
  dropOldest(maxBytes: number, max: number): boolean;
  /** What was damaged or dropped when the file was opened. */
  notices(): readonly string[];
  close(): void;
}

/** Exceptions are rows, too, but no lines of the app. */
const isLine = 'exception IS NULL';
const lastSeq = 'SELECT max(seq) AS last FROM lines';

/** @throws UserError, DiskTrouble like `openStore` */
export function openLogRecords(file: string, checkpoints?: Checkpoints): LogRecords {
  const firstReads = [lastSeq];
  const store = openStore(file, { migrations: logMigrations, synchronous: 'NORMAL', firstReads, checkpoints });
  return {
    lastSeq: () => Number(store.sql(lastSeq).get()?.last ?? 0),
    add(rows) {
      store.transaction(() => {
        for (const row of rows) insert(store, row);
      });
    },
    exceptionOf(owner) {
      const latest = 'exception IS NOT NULL ORDER BY at DESC, seq DESC LIMIT 1';
      const row =
        'requestId' in owner
          ? store.sql(`SELECT exception FROM lines WHERE request_id = ? AND ${latest}`).get(owner.requestId)
          : store
              .sql(`SELECT exception FROM lines WHERE runner_id = ? AND request_id IS NULL AND ${latest}`)
              .get(owner.runnerId);
      return row && whole(() => parsed(exceptionSchema, text(row, 'exception')));
    },
    find(query) {
      const { sql, values } = whereOf(query);
      const { order } = orderOf(query);
      const select = `SELECT * FROM lines${sql}${sql === '' ? ' WHERE' : ' AND'} ${isLine} ${order} LIMIT ?`;
      return linesOf(store.sql(select).all(...values, query.limit));
    },
    look(query, from, { max, wanted }) {
      const { indexed, others } = partsOf(query);
      const { order, beyond } = orderOf(query);
      const within = from === undefined ? '' : `${indexed.sql === '' ? ' WHERE' : ' AND'} (at, seq) ${beyond} (?, ?)`;
      const part = `FROM lines${indexed.sql}${within} ${order}`;
      const bounds = [...indexed.values, ...(from ?? [])];
      const some = others.sql === '' ? Math.min(max, wanted) : max;
      const rows = store
        .sql(
          `SELECT * FROM (SELECT * ${part} LIMIT ?)${others.sql}${others.sql === '' ? ' WHERE' : ' AND'} ${isLine} ` +
            `${order} LIMIT ?`,
        )
        .all(...bounds, some, ...others.values, wanted);
      const lines = linesOf(rows);
      if (rows.length >= wanted) return { lines, next: undefined };
      const last = store.sql(`SELECT at, seq ${part} LIMIT 1 OFFSET ?`).get(...bounds, some - 1);
      return { lines, next: last && [integer(last, 'at'), integer(last, 'seq')] };
    },
    dropOldest: (maxBytes, max) => dropOldest(store, maxBytes, max),
    notices: store.notices,
    close: store.close,
  };
}

function insert(store: Store, row: LogLine | LoggedException): void {
  const line = 'exception' in row ? lineOf(row) : row;
  store
    .sql('INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    .run(
      line.seq,
      line.at,
      line.level,
      severity(line.level),
      line.source,
      line.stream,
      line.message,
      tracebackIn(line.message) === undefined ? 0 : 1,
      line.alias,
      line.revision,
      line.runnerId,
      line.requestId,
      line.endpoint,
      line.isServer ? 1 : 0,
      line.place?.file ?? null,
      line.place ? storedLine(line.place) : null,
      'exception' in row ? JSON.stringify(row.exception) : null,
    );
}

/** How searches find an exception. */
function lineOf({ exception, ...about }: LoggedException): LogLine {
  const { type, message } = exception;
  return { ...about, level: 'ERROR', source: 'USER', stream: null, message: `${type}: ${message}` };
}

/** Counts pages in use: accurate enough, and free, whereas a sum over the lines would read them all. */
function dropOldest(store: Store, maxBytes: number, max: number): boolean {
  for (let dropped = 0; usedBytes(store) > maxBytes; ) {
    if (dropped >= max) return true;
    const range = store.sql('SELECT (SELECT min(seq) FROM lines) AS first, (SELECT max(seq) FROM lines) AS last').get();
    if (typeof range?.first !== 'number' || typeof range.last !== 'number') return false;
    const some = Math.min(Math.ceil((range.last - range.first + 1) / 50), max - dropped);
    store.sql('DELETE FROM lines WHERE seq < ?').run(range.first + some);
    dropped += some;
  }
  return false;
}

function usedBytes(store: Store): number {
  const read = (pragma: 'page_count' | 'freelist_count' | 'page_size'): number =>
    Number(store.sql(`PRAGMA ${pragma}`).get()?.[pragma]);
  return (read('page_count') - read('freelist_count')) * read('page_size');
}

function orderOf({ order }: Pick<LogQuery, 'order'>): { readonly order: string; readonly beyond: '<' | '>' } {
  const direction = order === 'newest' ? 'DESC' : 'ASC';
  return { order: `ORDER BY at ${direction}, seq ${direction}`, beyond: order === 'newest' ? '<' : '>' };
}

/** What one of the indexes covers, and what has to be examined. */
function partsOf({ requestId, runnerId, alias, since, until, limit: _limit, order: _order, ...rest }: LogQuery) {
  const time = { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
  const owners = [
    ...(requestId === undefined ? [] : [{ requestId }]),
    ...(runnerId === undefined ? [] : [{ runnerId }]),
    ...(alias === undefined ? [] : [{ alias }]),
  ];
  const [owner, ...otherOwners] = owners;
  return {
    indexed: whereOf({ ...owner, ...time }),
    others: whereOf(Object.assign({}, rest, ...otherOwners) as Partial<LogQuery>),
  };
}

/** The filters of a query as SQL over `lines`: constant text, with values passed separately. */
function whereOf(query: Partial<LogQuery>): { readonly sql: string; readonly values: readonly SQLInputValue[] } {
  const conditions: (readonly [sql: string, value: SQLInputValue | undefined])[] = [
    ['alias = ?', query.alias],
    ['revision = ?', query.revision],
    ['runner_id = ?', query.runnerId],
    ['request_id = ?', query.requestId],
    ['severity >= ?', query.minLevel && severity(query.minLevel)],
    ['traceback = ?', query.traceback ? 1 : undefined],
    ['at >= ?', query.since],
    ['at < ?', query.until],
  ];
  const set = conditions.filter(
    (condition): condition is readonly [string, SQLInputValue] => condition[1] !== undefined,
  );
  // ASCII letters are case-insensitive, like `matches` in log-query.ts.
  const contained = query.search ? [containsText(query.search)] : [];
  const parts = [...set.map(([condition]) => condition), ...contained.map(({ sql }) => sql)];
  return {
    sql: parts.length > 0 ? ` WHERE ${parts.join(' AND ')}` : '',
    values: [...set.map(([, value]) => value), ...contained.flatMap(({ values }) => values)],
  };
}

function linesOf(rows: readonly { readonly [column: string]: SQLOutputValue }[]): readonly LogLine[] {
  return rows.flatMap((row) => whole(() => decodeLine(row)) ?? []);
}
