import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LogRecords, Place } from './log-records.ts';
import type { LogLine, LogQuery } from './types.ts';

/**
 * The number of lines in the first step. Later steps depend on how long the previous one took, because lines may be
 * short or long.
 */
const linesAtFirst = 500;
const minLines = 20;
const maxLines = 20_000;
/** The approximate duration of a step; callers wait for it. */
const stepMs = 4;

/**
 * The lines that match a query, searched in steps: a filter without an index reads every line in the file (measured: 40
 * ms for 200,000 short ones). Lines that are dropped in the meantime may be missing.
 * @param isOver the records are closed: nothing waits for the rest
 */
export async function searchLines(
  records: Pick<LogRecords, 'look'>,
  query: LogQuery,
  isOver: () => boolean,
): Promise<readonly LogLine[]> {
  const found: LogLine[] = [];
  let max = linesAtFirst;
  let from: Place | undefined;
  for (;;) {
    const began = performance.now();
    const { lines, next } = records.look(query, from, { max: max, wanted: query.limit - found.length });
    found.push(...lines);
    if (next === undefined) return found;
    from = next;
    const tookMs = performance.now() - began;
    max = tookMs > stepMs ? Math.max(minLines, max >> 1) : Math.min(maxLines, max * 2);
    await nextTurn();
    if (isOver()) return found;
  }
}
