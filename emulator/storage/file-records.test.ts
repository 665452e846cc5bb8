import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DiskTrouble } from '../local/disk-trouble.ts';
import { openTestStore } from '../queue/testing/requests.ts';
import { DamagedRow } from '../store/rows.ts';
import { afterCrash } from '../store/testing/after-crash.ts';
import { testFolder } from '../store/testing/folder.ts';
import { fileRecords } from './file-records.ts';
import type { StoredFile } from './stored-file.ts';

const file = (id: string, size: number, change: Partial<StoredFile> = {}): StoredFile => ({
  id,
  size,
  md5: 'm',
  name: 'a.txt',
  contentType: 'text/plain',
  userId: 'owner',
  expiresAt: null,
  acl: { default: 'hide', rules: [{ user: 'friend', decision: 'allow' }] },
  ...change,
});

function setUp() {
  const store = openTestStore(join(testFolder(), 'minifal.db'));
  onTestFinished(() => store.close());
  return {
    store,
    records: fileRecords(store),
    /** What the next emulator would find if this one were killed now. */
    afterCrash() {
      const other = openTestStore(afterCrash(store.file));
      onTestFinished(() => other.close());
      return fileRecords(other);
    },
  };
}

describe('the records of stored files', () => {
  it('are on disk when a call returns, and report what was removed', () => {
    const { records, afterCrash } = setUp();
    expect(records.put(file('a', 5))).toBe(0);
    expect(records.put(file('b', 7))).toBe(0);
    expect(records.put(file('a', 6))).toBe(5);
    const after = afterCrash();
    expect([after.find('a'), after.find('b'), after.used()]).toEqual([file('a', 6), file('b', 7), 13]);
    expect([records.remove('a'), records.remove('a')]).toEqual([6, 0]);
    const later = afterCrash();
    expect([later.has('a'), later.find('a'), later.has('b'), later.used()]).toEqual([false, undefined, true, 7]);
  });

  it('are unchanged when one cannot be replaced', () => {
    const { store, records, afterCrash } = setUp();
    records.put(file('a', 5));
    store.sql("CREATE TRIGGER no BEFORE INSERT ON stored_files BEGIN SELECT RAISE(ABORT, 'no'); END").run();
    expect(() => records.put(file('a', 6))).toThrow('no');
    store.sql('DROP TRIGGER no').run();
    store.sql('PRAGMA max_page_count = 1').all();
    expect(() => records.put(file('a', 6, { name: 'x'.repeat(50_000) }))).toThrow(DiskTrouble);
    store.sql('PRAGMA max_page_count = 1000000').all();
    const after = afterCrash();
    expect([after.find('a'), after.used()]).toEqual([file('a', 5), 5]);
  });

  it('that have expired are removed in batches, each with its bytes; until then they are found', () => {
    const { records, afterCrash } = setUp();
    for (const [n, expiresAt] of [10, 20, 30, null].entries()) records.put(file(`f${n}`, n + 1, { expiresAt }));
    expect(records.find('f0')).toEqual(file('f0', 1, { expiresAt: 10 }));
    expect(records.removeExpired(9, 9)).toEqual([]);
    expect(records.removeExpired(20, 1)).toHaveLength(1);
    expect(records.removeExpired(20, 9)).toHaveLength(1);
    const after = afterCrash();
    expect(['f0', 'f1', 'f2', 'f3'].map((id) => after.has(id))).toEqual([false, false, true, true]);
    expect(after.used()).toBe(7);
  });

  it.each([
    ['its document', "UPDATE stored_files SET about = replace(about, 'owner', 'thief')"],
    ['its checksum', 'UPDATE stored_files SET check_sum = check_sum + 1'],
  ])('are not returned when %s is damaged, but count until they are removed', (_, damage) => {
    const { store, records } = setUp();
    records.put(file('a', 5));
    store.sql(damage).run();
    expect(records.find('a')).toBeInstanceOf(DamagedRow);
    expect([records.used(), records.remove('a'), records.find('a')]).toEqual([5, 5, undefined]);
  });
});
