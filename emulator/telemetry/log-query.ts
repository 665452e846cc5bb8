import { severity, tracebackIn } from './level.ts';
import type { LogLine, LogQuery } from './types.ts';

/** Applies the filters of a query (log-records.ts) to a line that has just arrived; time bounds are ignored. */
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
