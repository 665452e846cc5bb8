import { documentTable } from '../store/documents.ts';

export const runnerTables: readonly string[] = [documentTable('runners')];

/** `severity` and `traceback` are derived from level and message, for the filters. */
export const logTables: readonly string[] = [
  `CREATE TABLE lines (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    level TEXT NOT NULL,
    severity INTEGER NOT NULL,
    source TEXT NOT NULL,
    stream TEXT,
    message TEXT NOT NULL,
    traceback INTEGER NOT NULL,
    alias TEXT NOT NULL,
    revision TEXT,
    runner_id TEXT,
    request_id TEXT,
    endpoint TEXT
  ) STRICT`,
  'CREATE INDEX lines_by_time ON lines (at)',
  'CREATE INDEX lines_of_alias ON lines (alias, at)',
  'CREATE INDEX lines_of_runner ON lines (runner_id, at) WHERE runner_id IS NOT NULL',
  'CREATE INDEX lines_of_request ON lines (request_id, at) WHERE request_id IS NOT NULL',
];

/**
 * A row with an `exception` (a JSON document) is no line of the app, but what it raised. `file`, `line`: where the line
 * was printed (line-records.ts). `server`: 1 for what the runner's web server wrote.
 */
export const placeTables: readonly string[] = [
  'ALTER TABLE lines ADD COLUMN server INTEGER NOT NULL DEFAULT 0',
  'ALTER TABLE lines ADD COLUMN file TEXT',
  'ALTER TABLE lines ADD COLUMN line INTEGER',
  'ALTER TABLE lines ADD COLUMN exception TEXT',
  'CREATE INDEX exceptions_of_runner ON lines (runner_id, at) WHERE exception IS NOT NULL',
  'CREATE INDEX exceptions_of_request ON lines (request_id, at) WHERE exception IS NOT NULL',
];
