import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LogRecords, Place } from './log-records.ts';
import type { LogLine, LogQuery } from './types.ts';

/** Lines of one look, at first. How many follow from how long the look before took: they may be short or long. */
const linesAtFirst = 500;
const minLines = 20;
const maxLines = 20_000;
/** What a look may take, about; callers wait for it. */
const lookMs = 4;

/**
 * The lines of a query, a look at some lines at a time: a filter without an index reads every line there is (measured:
 * 40 ms for 200,000 short ones). Lines that are dropped meanwhile may be missing.
 * @param isOver the records are closed: nobody waits for the rest
 */
export async function searchLines(
  records: Pick<LogRecords, 'look'>,
  query: LogQuery,
  isOver: () => boolean,
): Promise<readonly LogLine[]> {
  const found: LogLine[] = [];
  let most = linesAtFirst;
  let from: Place | undefined;
  for (;;) {
    const began = performance.now();
    const { lines, next } = records.look(query, from, { most, wanted: query.limit - found.length });
    found.push(...lines);
    if (next === undefined) return found;
    from = next;
    const tookMs = performance.now() - began;
    most = tookMs > lookMs ? Math.max(minLines, most >> 1) : Math.min(maxLines, most * 2);
    await nextTurn();
    if (isOver()) return found;
  }
}
