/**
 * The queue's tables. The small record is stored separately from the bodies, because SQLite rewrites a whole row on
 * every update. `phase`: 0 in queue, 1 in progress, 2 completed. `size`: bytes of the stored bodies.
 */
export const queueTables: readonly string[] = [
  `CREATE TABLE requests (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    alias TEXT NOT NULL,
    phase INTEGER NOT NULL,
    completed_at INTEGER,
    size INTEGER NOT NULL,
    record TEXT NOT NULL,
    check_sum INTEGER NOT NULL
  ) STRICT`,
  'CREATE INDEX requests_of_alias ON requests (alias, seq)',
  'CREATE INDEX requests_unfinished ON requests (seq) WHERE phase < 2',
  'CREATE INDEX requests_completed ON requests (completed_at, size) WHERE phase = 2',
  `CREATE TABLE inputs (
    seq INTEGER PRIMARY KEY REFERENCES requests (seq) ON DELETE CASCADE,
    spec TEXT NOT NULL,
    body BLOB NOT NULL,
    check_sum INTEGER NOT NULL
  ) STRICT`,
  `CREATE TABLE results (
    seq INTEGER PRIMARY KEY REFERENCES requests (seq) ON DELETE CASCADE,
    outcome TEXT NOT NULL,
    body BLOB NOT NULL,
    check_sum INTEGER NOT NULL
  ) STRICT`,
];
