import { describe, expect, it } from 'vitest';
import { asDiskTrouble, DiskTrouble } from './disk-trouble.ts';

const sqlite = (errcode: number) => Object.assign(new Error('of SQLite'), { code: 'ERR_SQLITE_ERROR', errcode });
const file = (code: string) => Object.assign(new Error(`${code}: of a file`), { code });

describe('errors that mean that the disk accepts no writes', () => {
  it.each([
    ['SQLITE_FULL', sqlite(13), 'full', /^The disk is full: /, /Free some space/],
    ['SQLITE_IOERR_SHMSIZE', sqlite(4874), 'full', /^The disk is full: /, /Free some space/],
    ['ENOSPC', file('ENOSPC'), 'full', /^The disk is full: /, /Free some space/],
    ['EDQUOT', file('EDQUOT'), 'full', /^The disk is full: /, /Free some space/],
    ['SQLITE_READONLY', sqlite(8), 'readonly', /^The disk is read-only: /, /mounted read-write/],
    ['SQLITE_READONLY_ROLLBACK', sqlite(776), 'readonly', /^The disk is read-only: /, /mounted read-write/],
    ['EROFS', file('EROFS'), 'readonly', /^The disk is read-only: /, /mounted read-write/],
    ['SQLITE_IOERR_WRITE', sqlite(778), 'io', /^The disk reports errors: /, /Check the disk/],
    ['SQLITE_IOERR_FSYNC', sqlite(1034), 'io', /^The disk reports errors: /, /Check the disk/],
    ['SQLITE_BUSY', sqlite(5), 'locked', /^Another program has locked /, /Close the program/],
    ['SQLITE_LOCKED', sqlite(6), 'locked', /^Another program has locked /, /Close the program/],
    ['SQLITE_PROTOCOL', sqlite(15), 'locked', /^Another program has locked /, /Close the program/],
    ['SQLITE_BUSY_SNAPSHOT', sqlite(517), 'locked', /^Another program has locked /, /Close the program/],
    ['EIO', file('EIO'), 'io', /^The disk reports errors: /, /Check the disk/],
  ])('%s, with an accurate message and the next step', (_name, error, kind, message, next) => {
    const trouble = asDiskTrouble(error);
    expect(trouble).toMatchObject({ trouble: kind, why: error.message });
    expect(trouble?.message).toMatch(message);
    expect(trouble?.message).toContain(error.message);
    expect(trouble?.next).toMatch(next);
  });

  it.each([
    ['SQLITE_CONSTRAINT', sqlite(19)],
    ['ENOENT', file('ENOENT')],
    ['a message alone', new Error('database or disk is full')],
    ['no error', 'ENOSPC'],
  ])('%s does not', (_name, error) => {
    expect(asDiskTrouble(error)).toBeUndefined();
  });

  it('a DiskTrouble is returned unchanged', () => {
    const trouble = new DiskTrouble('io', 'x');
    expect(asDiskTrouble(trouble)).toBe(trouble);
  });
});
