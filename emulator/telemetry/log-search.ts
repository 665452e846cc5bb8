import type { SQLOutputValue } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Store } from '../store/open.ts';
import { integer } from '../store/rows.ts';
import { whereOf } from './log-query.ts';
import type { LogQuery } from './types.ts';

type Row = { readonly [column: string]: SQLOutputValue };

/** Lines of one look, at first. How many follow from how long the look before took: they may be short or long. */
const linesAtFirst = 500;
const fewestLines = 20;
const mostLines = 20_000;
/** What a look may take, about; callers wait for it. */
const lookMs = 4;

/**
 * What the rows of a query are read as, a look at some lines at a time: a filter without an index reads every line
 * there is (measured: 40 ms for 200,000 short ones). Lines that are dropped meanwhile may be missing.
 * @param isOver the store is closed: nobody waits for the rest
 */
export async function searchRows<T>(
  store: Store,
  query: LogQuery,
  { read, isOver }: { readonly read: (row: Row) => T; readonly isOver: () => boolean },
): Promise<readonly T[]> {
  const { indexed, others } = partsOf(query);
  const [direction, beyond] = query.order === 'newest' ? ['DESC', '<'] : ['ASC', '>'];
  const order = `ORDER BY at ${direction}, seq ${direction}`;
  const found: T[] = [];
  let atOnce = linesAtFirst;
  let after: readonly [at: number, seq: number] | undefined;
  for (;;) {
    const began = performance.now();
    const within = after === undefined ? '' : `${indexed.sql === '' ? ' WHERE' : ' AND'} (at, seq) ${beyond} (?, ?)`;
    const from = `FROM lines${indexed.sql}${within} ${order}`;
    const bounds = [...indexed.values, ...(after ?? [])];
    const some = others.sql === '' ? Math.min(atOnce, query.limit - found.length) : atOnce;
    const rows = store
      .sql(`SELECT * FROM (SELECT * ${from} LIMIT ?)${others.sql} ${order} LIMIT ?`)
      .all(...bounds, some, ...others.values, query.limit - found.length);
    for (const row of rows) found.push(read(row));
    if (found.length >= query.limit) return found;
    const last = store.sql(`SELECT at, seq ${from} LIMIT 1 OFFSET ?`).get(...bounds, some - 1);
    if (last === undefined) return found;
    after = [integer(last, 'at'), integer(last, 'seq')];
    const tookMs = performance.now() - began;
    atOnce = tookMs > lookMs ? Math.max(fewestLines, atOnce >> 1) : Math.min(mostLines, atOnce * 2);
    await nextTurn();
    if (isOver()) return found;
  }
}

/** What one of the indexes answers, and what has to be looked at. */
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
