import type { Migration } from '../../store/migrate.ts';

/**
 * `samples.db`: what runners used. A row has the samples of one runner: those of 10 s of one minute in `tens`, and
 * those of a minute of one hour in `minutes` (packed.ts). In both, numbers rise with time.
 */
const tables: readonly string[] = ['tens', 'minutes'].flatMap((name) => [
  `CREATE TABLE ${name} (
    number INTEGER PRIMARY KEY,
    runner_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    samples BLOB NOT NULL,
    checksum INTEGER NOT NULL
  ) STRICT`,
  `CREATE INDEX ${name}_of_runner ON ${name} (runner_id, at)`,
]);

export const sampleMigrations: readonly Migration[] = [{ name: 'samples of 10 s and of a minute', statements: tables }];
