import { documentTable } from '../../store/documents.ts';
import type { Migration } from '../../store/migrate.ts';

/**
 * `history.db`: what happened, for people. A separate file, because its last moments may be lost and its size is
 * limited; what was promised is in the queue's own tables. `state`: 0 open, 1 answered, 2 failed. `words`: what a
 * search looks at.
 */
const tables: readonly string[] = [
  `CREATE TABLE requests (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    alias TEXT NOT NULL,
    state INTEGER NOT NULL,
    completed_at INTEGER,
    words TEXT NOT NULL,
    document TEXT NOT NULL
  ) STRICT`,
  'CREATE INDEX requests_by_id ON requests (id)',
  'CREATE INDEX requests_of_alias ON requests (alias, number)',
  'CREATE INDEX requests_open ON requests (number) WHERE state = 0',
  documentTable('endpoints'),
];

export const historyMigrations: readonly Migration[] = [{ name: 'requests and endpoints', statements: tables }];
