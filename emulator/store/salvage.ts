import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/**
 * Copies every row that can still be read from the damaged file into the new store, and returns a sentence about what
 * was kept and what was dropped. Never throws because of the damaged file. Rooms verify their rows by checksum when
 * they load them.
 */
export function salvage(damagedFile: string, into: DatabaseSync): string {
  const kept: string[] = [];
  const cut: string[] = [];
  let from: DatabaseSync;
  try {
    restoreHeader(damagedFile);
    from = new DatabaseSync(damagedFile);
  } catch {
    return 'Nothing in it could be read; a new store was created.';
  }
  into.exec('BEGIN IMMEDIATE');
  try {
    for (const table of tableNames(into)) {
      const { rows, complete } = copyTable(from, into, table);
      if (rows > 0) kept.push(`${rows} ${table}`);
      if (!complete) cut.push(table);
    }
    into.exec('COMMIT');
  } catch (error) {
    into.exec('ROLLBACK');
    throw error;
  } finally {
    from.close();
  }
  const keptText = kept.length > 0 ? `Kept: ${kept.join(', ')}.` : 'Nothing could be kept; a new store was created.';
  return cut.length > 0
    ? `${keptText} Dropped: unreadable parts of ${cut.join(', ')}.`
    : `${keptText} Nothing was dropped.`;
}

/** Bytes of the file header that are the same in all our files (sqlite.org/fileformat2.html §1.3), by offset. */
const constantHeader: readonly (readonly [offset: number, bytes: Buffer])[] = [
  [0, Buffer.from('SQLite format 3\0')],
  [16, Buffer.from([0x10, 0x00, 2, 2, 0, 64, 32, 32])], // page size 4096, WAL, no reserved bytes, payload fractions
  [44, Buffer.from([0, 0, 0, 4])], // schema format
  [56, Buffer.from([0, 0, 0, 1])], // UTF-8
  // Reserved; and "version-valid-for" 0, so that the number of pages is derived from the file's size.
  [72, Buffer.alloc(24)],
];

/**
 * One flipped bit in the header would make the whole file unreadable. The file was moved aside, so we may repair it.
 */
function restoreHeader(file: string): void {
  const fd = openSync(file, 'r+');
  try {
    if (readSync(fd, Buffer.alloc(100), 0, 100, 0) < 100) return;
    for (const [offset, bytes] of constantHeader) writeSync(fd, bytes, 0, bytes.length, offset);
  } finally {
    closeSync(fd);
  }
}

function tableNames(db: DatabaseSync): string[] {
  // In order of creation, so that rows come after the rows they reference.
  const rows = db
    .prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> " +
        "'store_meta' ORDER BY rowid",
    )
    .all();
  return rows.map((row) => String(row.name));
}

/** Reads from the front until a page can't be read, then from the back to the same position. */
function copyTable(from: DatabaseSync, into: DatabaseSync, table: string): { rows: number; complete: boolean } {
  const columns = into
    .prepare(`PRAGMA table_info(${table})`)
    .all()
    .map((row) => String(row.name));
  const list = columns.join(', ');
  const insert = into.prepare(`INSERT OR IGNORE INTO ${table} (${list}) VALUES (${columns.map(() => '?').join(', ')})`);
  let rows = 0;
  let refused = false;
  const scan = (order: 'ASC' | 'DESC'): boolean => {
    try {
      for (const row of from.prepare(`SELECT ${list} FROM ${table} NOT INDEXED ORDER BY rowid ${order}`).iterate()) {
        try {
          rows += Number(insert.run(...columns.map((name) => row[name] ?? null)).changes);
        } catch {
          refused = true; // a damaged value that violates the table's own constraints
        }
      }
      return true;
    } catch {
      return false;
    }
  };
  const complete = scan('ASC');
  if (!complete) scan('DESC');
  return { rows, complete: complete && !refused };
}
