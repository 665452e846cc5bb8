import type { SQLInputValue } from 'node:sqlite';
import { severity, tracebackIn } from './level.ts';
import type { LogLine, LogQuery } from './types.ts';

/** The filters of a query as SQL over `lines`: constant text, values apart. */
export function whereOf(query: Partial<LogQuery>): { readonly sql: string; readonly values: readonly SQLInputValue[] } {
  const conditions: (readonly [sql: string, value: SQLInputValue | undefined])[] = [
    ['alias = ?', query.alias],
    ['revision = ?', query.revision],
    ['runner_id = ?', query.runnerId],
    ['request_id = ?', query.requestId],
    ['severity >= ?', query.minLevel && severity(query.minLevel)],
    ['traceback = ?', query.traceback ? 1 : undefined],
    ['at >= ?', query.since],
    ['at < ?', query.until],
    // ASCII letters in either case, as `matches` below.
    ["message LIKE ? ESCAPE '\\'", query.search && `%${query.search.replace(/[\\%_]/g, '\\$&')}%`],
  ];
  const set = conditions.filter(
    (condition): condition is readonly [string, SQLInputValue] => condition[1] !== undefined,
  );
  const sql = set.length > 0 ? ` WHERE ${set.map(([condition]) => condition).join(' AND ')}` : '';
  return { sql, values: set.map(([, value]) => value) };
}

/** The same filters for a line that has just arrived; time bounds don't apply to it. */
export function matches(query: Omit<LogQuery, 'limit' | 'order'>, line: LogLine): boolean {
  return (
    (query.alias === undefined || query.alias === line.alias) &&
    (query.revision === undefined || query.revision === line.revision) &&
    (query.runnerId === undefined || query.runnerId === line.runnerId) &&
    (query.requestId === undefined || query.requestId === line.requestId) &&
    (query.minLevel === undefined || severity(line.level) >= severity(query.minLevel)) &&
    (!query.traceback || tracebackIn(line.message) !== undefined) &&
    (query.search === undefined || lowerAscii(line.message).includes(lowerAscii(query.search)))
  );
}

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
