import type { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { UserError } from '../wire/errors.ts';
import { DamagedStore } from './damage.ts';

/** One step of the schema. Steps are numbered by their position in the list (from 1) and never change once released. */
export interface Migration {
  readonly name: string;
  readonly statements: readonly string[];
}

/**
 * Migrates the tables to the last step of the list, in one transaction.
 *
 * The version is stored twice (in `user_version`, and next to a fingerprint of the schema's own text), so that a
 * flipped bit can be distinguished from a file of a newer minifal.
 */
export function migrate(db: DatabaseSync, migrations: readonly Migration[], file: string): void {
  const version = verifiedVersion(db);
  if (version > migrations.length) {
    throw new UserError(
      'DATABASE_NEWER',
      `${file} was written by a newer minifal (schema ${version}; this one supports up to ${migrations.length}).`,
      'Update minifal, or choose another folder with --data DIR.',
    );
  }
  if (version === migrations.length) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    if (version === 0) {
      db.exec(
        'CREATE TABLE store_meta (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER, fingerprint INTEGER)',
      );
    }
    for (const { statements } of migrations.slice(version)) for (const statement of statements) db.exec(statement);
    db.prepare('INSERT OR REPLACE INTO store_meta VALUES (1, ?, ?)').run(migrations.length, fingerprint(db));
    db.exec(`PRAGMA user_version = ${migrations.length}`);
    db.exec('COMMIT');
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}

function verifiedVersion(db: DatabaseSync): number {
  const version = Number(db.prepare('PRAGMA user_version').get()?.user_version);
  const tables = Number(db.prepare("SELECT count(*) AS n FROM sqlite_master WHERE type = 'table'").get()?.n);
  if (version === 0 && tables === 0) return 0;
  const meta = db.prepare('SELECT version, fingerprint FROM store_meta').get();
  if (meta?.version !== version) throw new DamagedStore(`schema version ${version} where ${meta?.version} was written`);
  if (meta.fingerprint !== fingerprint(db)) throw new DamagedStore('the schema is not the one that was written');
  return version;
}

/**
 * Covers the text of every table and index: a flipped bit there passes SQLite's own check and breaks statements later.
 */
function fingerprint(db: DatabaseSync): number {
  const parts = db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name').all();
  return crc32(JSON.stringify(parts));
}
