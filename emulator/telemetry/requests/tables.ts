import { documentTable } from '../../store/documents.ts';
import type { Migration } from '../../store/migrate.ts';

/**
 * `history.db`: what happened, for people. A separate file, because its last moments may be lost and its size is
 * limited; what was promised is in the queue's own tables. `state`: 0 open, 1 answered, 2 failed. Every call
 * is a row, so its only index is a small one: pages look at a range of numbers.
 */
const tables: readonly string[] = [
  `CREATE TABLE requests (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    alias TEXT NOT NULL,
    state INTEGER NOT NULL,
    completed_at INTEGER,
    document TEXT NOT NULL
  ) STRICT`,
  'CREATE INDEX requests_open ON requests (number) WHERE state = 0',
  documentTable('endpoints'),
];

/** Each start counts the finished requests; without this index, it would read them all. */
const byState: readonly string[] = ['DROP INDEX requests_open', 'CREATE INDEX requests_by_state ON requests (state)'];

export const historyMigrations: readonly Migration[] = [
  { name: 'requests and endpoints', statements: tables },
  { name: 'requests by state', statements: byState },
];
