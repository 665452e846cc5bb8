import { documentTable } from '../../store/documents.ts';
import type { Migration } from '../../store/migrate.ts';

/**
 * `history.db`: what happened, for people. A separate file, because its last moments may be lost and its size is
 * limited; what was promised is in the queue's own tables. `state`: 0 open, 1 answered, 2 failed. Every call
 * is a row, so there is no index that each row would have to enter: pages look at a range of numbers.
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

export const historyMigrations: readonly Migration[] = [{ name: 'requests and endpoints', statements: tables }];
