import { DatabaseSync } from 'node:sqlite';
import { integer } from '../../store/rows.ts';
import { decodeAll, openState, pageRange, states } from './row-records.ts';
import type { Page, PageQuery } from './types.ts';

/** The history of requests, which another connection writes: reads only. */
export interface PageRecords {
  /**
   * Rows with numbers below `query.before`, from one range of numbers, so that a page costs the same with many rows.
   */
  page(query: PageQuery): Page;
  close(): void;
}

/** @throws if the file can't be opened */
export function openPageRecords(file: string): PageRecords {
  const db = new DatabaseSync(file, { readOnly: true });
  db.exec('PRAGMA busy_timeout = 250');
  // One SELECT with both would read all rows.
  const ends = db.prepare(
    'SELECT (SELECT min(number) FROM requests) AS first, (SELECT max(number) FROM requests) AS last',
  );
  return {
    page({ before, alias, state, text: part, limit }) {
      const range = ends.get();
      const [first, last] = [Number(range?.first ?? 0), Number(range?.last ?? 0)];
      const end = Math.min(before ?? Number.POSITIVE_INFINITY, last + 1);
      const begin = Math.max(first, end - pageRange);
      const conditions: (readonly [string, string | number | undefined])[] = [
        ['number < ?', end],
        ['number >= ?', begin],
        ['alias = ?', alias],
        // Not by the index of states, whose rows are spread over all numbers.
        [
          '+state = ?',
          state === undefined ? undefined : state in states ? states[state as 'done' | 'failed'] : openState,
        ],
        // The document has other words, too: the caller looks at the fields.
        ["document LIKE ? ESCAPE '\\'", part && `%${inJson(part).replace(/[\\%_]/g, '\\$&')}%`],
      ];
      const set = conditions.filter((one): one is readonly [string, string | number] => one[1] !== undefined);
      const where = set.map(([condition]) => condition).join(' AND ');
      const rows = db
        .prepare(`SELECT number, document FROM requests WHERE ${where} ORDER BY number DESC LIMIT ?`)
        .all(...set.map(([, value]) => value), limit);
      const lastRow = rows.at(-1);
      const next = rows.length === limit && lastRow ? integer(lastRow, 'number') : begin;
      return { requests: decodeAll(rows), before: last > 0 && next > first ? next : null };
    },
    close: () => db.close(),
  };
}

/** A text as it is spelled inside of a document. */
function inJson(part: string): string {
  return JSON.stringify(part).slice(1, -1);
}
