import { join } from 'node:path';
import { createRequestHistory, type RequestHistoryOptions } from '../history.ts';
import { openHistoryRecords } from '../records.ts';

/** The real history of requests in a folder. Runners are numbered by the digits of their ids. */
export function testHistory(folder: string, options: Partial<RequestHistoryOptions> = {}) {
  return createRequestHistory({
    records: openHistoryRecords(join(folder, 'history.db')),
    activeRevision: () => 'r1',
    runnerNumber: (id) => Number(/\d+/.exec(id)?.[0] ?? 0),
    appNameOf: () => undefined,
    retentionMs: 3_600_000,
    ...options,
  });
}
