import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DamagedStore, isDamage } from './damage.ts';
import { testFolder } from './testing/folder.ts';

const sqlite = (errcode: number) => Object.assign(new Error('from SQLite'), { code: 'ERR_SQLITE_ERROR', errcode });

describe('isDamage', () => {
  it.each<[string, unknown, boolean]>([
    ['our own finding', new DamagedStore('checked'), true],
    ['SQLITE_CORRUPT', sqlite(11), true],
    ['SQLITE_CORRUPT_INDEX, an extended code', sqlite(11 | (3 << 8)), true],
    ['SQLITE_NOTADB', sqlite(26), true],
    ['SQLITE_IOERR_SHORT_READ', sqlite(10 | (2 << 8)), true],
    ['SQLITE_ERROR: our SQL is right, so the schema is not', sqlite(1), true],
    ['SQLITE_BUSY', sqlite(5), false],
    ['SQLITE_FULL', sqlite(13), false],
    ['SQLITE_CANTOPEN', sqlite(14), false],
    ['SQLITE_NOMEM', sqlite(7), false],
    ['another error', new Error('EACCES'), false],
    ['no error at all', 'text', false],
  ])('judges %s', (_, error, expected) => {
    expect(isDamage(error, '/nowhere')).toBe(expected);
  });

  it('treats "read-only" as damage only when the file is writable', () => {
    const file = join(testFolder(), 'a.db');
    writeFileSync(file, '');
    expect(isDamage(sqlite(8), file)).toBe(true);
    expect(isDamage(sqlite(8), `${file}.absent`)).toBe(false);
  });
});
