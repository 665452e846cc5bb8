import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';
import { parsed, whole } from '../../store/rows.ts';
import { exceptionSchema, type LogRow } from '../../wire/log-lines.ts';
import { severity } from '../level.ts';
import { decodeLine } from '../line-records.ts';
import { containsText } from '../text-records.ts';
import { literalIn } from './literal.ts';
import type { RowPage, RowQuery } from './types.ts';
import { isWithinLine } from './within-line.ts';

/** After this time a page is returned as it is; its reader continues from `next`. */
const pageMs = 220;
/** The number of rows that are examined in the first step; later steps depend on how long the previous one took. */
const rowsAtFirst = 2_000;
const maxRows = 64_000;
/** The approximate duration of a step: after it, a reader that has left is noticed. */
const stepMs = 10;
/**
 * Messages that are tested as one text, at most: a call for each of them takes longer than its test. Long ones, in
 * bytes, are tested one by one, a few in a step.
 */
const joined = { characters: 64_000, maxRows: 1_000, long: 4_096, maxLong: 16 };
/** A text is searched in longer messages (in bytes) only while the time of a step lasts: one takes up to 8 ms a MB. */
const timedBytes = 1_024;
/** In place of a long message; a message that has it is tested like a long one. */
const longMark = '\n\0\n\0\n';
/** Characters of messages in a page; above this limit it is returned as it is. */
const maxCharacters = 2 * 1024 * 1024;
/** Up to this number, the rows of a request or runner are found by their index and sorted. */
const maxByIndex = 20_000;

/** A log file that another connection writes: reads only, and holds no lock between two steps. */
export interface RowRecords {
  /** `isCancelled`: asked after each step; the page is then of no use. */
  page(query: RowQuery, isCancelled: () => boolean): RowPage;
  close(): void;
}

interface Index {
  /** A condition, whose parameters are `value` and the bounds of a step. */
  readonly sql: string;
  readonly value: string;
}

/** @throws if the file can't be opened */
export function openRowRecords(file: string, clock: () => number = () => performance.now()): RowRecords {
  const db = new DatabaseSync(file, { readOnly: true });
  db.exec('PRAGMA busy_timeout = 250');
  let matches = (_message: string): boolean => true;
  db.function('matches', { deterministic: true }, (message) => (matches(String(message)) ? 1 : 0));

  /** Whether a step still has time for a long message. The first one that it has no time for is where it ends. */
  let hasTime = (_seq: number): boolean => true;
  db.function('has_time', (seq) => (hasTime(Number(seq)) ? 1 : 0));

  function ends(): { readonly first: number; readonly last: number } {
    const row = db.prepare('SELECT (SELECT min(seq) FROM lines) AS first, (SELECT max(seq) FROM lines) AS last').get();
    return { first: Number(row?.first ?? 1), last: Number(row?.last ?? 0) };
  }

  /** The index that finds the few rows of the query; `null`: its rows are too many, or no index has them. */
  function indexFor({ requestId, runnerId }: RowQuery): Index | null {
    const [name, column, value] =
      requestId !== undefined
        ? ['lines_of_request', 'request_id', requestId]
        : ['lines_of_runner', 'runner_id', runnerId];
    if (value === undefined) return null;
    const from = `FROM lines INDEXED BY ${name} WHERE ${column} = ?`;
    const row = db.prepare(`SELECT count(*) AS found FROM (SELECT 1 ${from} LIMIT ${maxByIndex + 1})`).get(value);
    // The index is in the order of times. Rows are read in their own order, because a step may end at each of them.
    const sql = ` AND seq IN (SELECT seq ${from} AND seq >= ? AND seq <= ?)`;
    return Number(row?.found) > maxByIndex ? null : { sql, value };
  }

  return {
    page(query, isCancelled) {
      const began = clock();
      const { first, last } = ends();
      const isBack = 'before' in query.from;
      const given = 'before' in query.from ? query.from.before - 1 : query.from.after;
      const start = isBack ? Math.min(given, last) : Math.min(Math.max(given, first - 1), last);
      const missed = !isBack && start !== given;
      matches = testOf(query);
      const index = indexFor(query);
      const { sql, values, test, testValues } = whereOf(query);
      const joinedTest = index === null ? joinedTestOf(query) : undefined;
      const join = db.prepare(
        `SELECT group_concat(iif(octet_length(message) > ${joined.long}, ?, message), char(10)) AS text` +
          ` FROM lines NOT INDEXED WHERE seq >= ? AND seq <= ?${sql}`,
      );
      const select = db.prepare(
        `SELECT * FROM lines NOT INDEXED WHERE seq >= ? AND seq <= ?${index?.sql ?? ''}` +
          `${sql}${test} ORDER BY seq ${isBack ? 'DESC' : 'ASC'}`,
      );
      const rows: LogRow[] = [];
      let characters = 0;
      let at = start;
      let size = index === null ? rowsAtFirst : last + 1;
      let joinedRows = joined.maxRows;
      /** The step before has found nothing: this one probably won't, either. */
      let isRare = true;
      const isOver = () => (isBack ? at < first : at >= last);
      const isFull = () => rows.length >= query.limit || characters >= maxCharacters;
      while (!isOver() && !isFull() && clock() - began < pageMs && !isCancelled()) {
        const stepBegan = clock();
        const isJoined = joinedTest !== undefined && isRare;
        const count = isJoined ? joinedRows : size;
        const bounds = isBack ? [at - count + 1, at] : [at + 1, at + count];
        const beyond = isBack ? at - count : Math.min(at + count, last);
        if (isJoined) {
          const text = String(join.get(longMark, ...bounds, ...values)?.text ?? '');
          const hasLong = text.includes(longMark);
          if (hasLong && count > joined.maxLong) {
            joinedRows = Math.max(joined.maxLong, count >> 3);
            continue;
          }
          joinedRows = Math.min(joined.maxRows, 1 + Math.floor((count * joined.characters) / (text.length + 1)));
          if (!hasLong && !joinedTest.test(text)) {
            at = beyond;
            continue;
          }
        }
        const before = rows.length;
        const byIndex = index === null ? [] : [index.value, ...bounds];
        let examined = 0;
        let refused: number | undefined;
        hasTime = (seq) => {
          // One is always examined, so that each step gets further.
          if (examined++ === 0 || (refused === undefined && clock() - stepBegan < stepMs)) return true;
          refused ??= seq;
          return false;
        };
        let reached: number | null = null;
        for (const row of select.iterate(...bounds, ...byIndex, ...values, ...testValues)) {
          const decoded = whole(() => decode(row));
          if (decoded === undefined) continue;
          if (refused !== undefined) break;
          rows.push(decoded);
          characters += decoded.message.length;
          reached = decoded.seq;
          if (isFull()) break;
        }
        if (isFull() && reached !== null) at = isBack ? reached - 1 : reached;
        else if (refused !== undefined) at = isBack ? refused : refused - 1;
        else at = beyond;
        isRare = rows.length === before;
        const tookMs = clock() - stepBegan;
        if (index === null) size = tookMs > stepMs ? Math.max(100, size >> 1) : Math.min(maxRows, size * 2);
      }
      const isEnd = isOver();
      const next = isBack ? (isEnd ? null : at + 1) : at;
      const lines = isBack ? rows.reverse() : rows;
      return { json: JSON.stringify({ lines, next, missed }), count: lines.length, next, missed, isEnd };
    },
    close: () => db.close(),
  };
}

/** The part of the query that SQLite can't decide. */
function testOf({ text: part = '', regexp, matchCase }: RowQuery): (message: string) => boolean {
  const pattern = regexp === undefined ? undefined : new RegExp(regexp, matchCase ? '' : 'i');
  return (message) => (pattern === undefined || pattern.test(message)) && (!matchCase || message.includes(part));
}

/**
 * Tests messages joined by line breaks: `false`: none of them matches. `undefined`: SQLite finds the few rows that may
 * match, or this can't be said of joined messages.
 */
function joinedTestOf({ text = '', regexp, matchCase }: RowQuery): RegExp | undefined {
  if (regexp === undefined || text !== '' || literalIn(regexp) !== '' || !isWithinLine(regexp)) return undefined;
  return new RegExp(regexp, matchCase ? 'm' : 'im');
}

/** `sql`: the conditions on columns. `test`: the search in the message. With the values of each. */
function whereOf(query: RowQuery): {
  readonly sql: string;
  readonly test: string;
  readonly values: readonly SQLInputValue[];
  readonly testValues: readonly SQLInputValue[];
} {
  const { text: part, regexp, matchCase } = query;
  const literals = [part ?? '', regexp === undefined ? '' : literalIn(regexp)].filter((literal) => literal !== '');
  const minSeverity = query.minLevel && severity(query.minLevel);
  const conditions: (readonly [sql: string, value: SQLInputValue | undefined])[] = [
    ['request_id = ?', query.requestId],
    ['runner_id = ?', query.runnerId],
    ['alias = ?', query.alias],
    [query.platform ? "(severity >= ? OR source = 'BRIDGE')" : 'severity >= ?', minSeverity],
    ['server <= ?', query.server ? undefined : 0],
  ];
  // Much faster than a call of JavaScript for each row, and true for at least the rows that match.
  const contained = literals.map(containsText);
  const set = conditions.filter((one): one is readonly [string, SQLInputValue] => one[1] !== undefined);
  const isTested = regexp !== undefined || (part !== undefined && matchCase);
  const tests = [...contained.map(({ sql }) => sql), ...(isTested ? ['matches(message)'] : [])];
  const isLate = `octet_length(message) > ${timedBytes} AND NOT has_time(seq)`;
  return {
    sql: set.map(([condition]) => ` AND ${condition}`).join(''),
    values: set.map(([, value]) => value),
    // SQLite may change the order of conditions, but not that of WHEN; and after THEN, it would evaluate all of them.
    test: tests.length === 0 ? '' : ` AND CASE WHEN ${isLate} THEN 0 WHEN ${tests.join(' AND ')} THEN 1 END`,
    testValues: contained.flatMap(({ values }) => values),
  };
}

function decode(row: { readonly [column: string]: SQLOutputValue }): LogRow {
  const { exception } = row;
  const { isServer = false, place = null, ...line } = decodeLine(row);
  return {
    ...line,
    isServer,
    place,
    exception: typeof exception === 'string' ? (whole(() => parsed(exceptionSchema, exception)) ?? null) : null,
  };
}
