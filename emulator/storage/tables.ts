/**
 * Stored files (their content is on disk) and key-value pairs. Instants are milliseconds since the epoch. Without
 * `expires_at`, an entry is kept until deleted. `about`: the file's record as JSON.
 */
export const storageTables: readonly string[] = [
  `CREATE TABLE stored_files (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    expires_at INTEGER,
    about TEXT NOT NULL,
    check_sum INTEGER NOT NULL
  ) STRICT`,
  'CREATE INDEX stored_files_expiring ON stored_files (expires_at) WHERE expires_at IS NOT NULL',
  `CREATE TABLE key_values (
    seq INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    value BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    check_sum INTEGER NOT NULL
  ) STRICT`,
  'CREATE INDEX key_values_expiring ON key_values (expires_at)',
];
