import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DiskTrouble } from '../local/disk-trouble.ts';
import { openTestStore } from '../queue/testing/requests.ts';
import { DamagedRow } from '../store/rows.ts';
import { afterCrash } from '../store/testing/after-crash.ts';
import { testFolder } from '../store/testing/folder.ts';
import { keyValueRecords } from './key-value-records.ts';

const value = (text: string) => new Uint8Array(Buffer.from(text));

function setUp() {
  const store = openTestStore(join(testFolder(), 'minifal.db'));
  onTestFinished(() => store.close());
  return {
    store,
    records: keyValueRecords(store),
    /** What the next emulator would find if this one were killed now. */
    afterCrash() {
      const other = openTestStore(afterCrash(store.file));
      onTestFinished(() => other.close());
      return keyValueRecords(other);
    },
  };
}

describe('the records of key-value stores', () => {
  it('are on disk when a call returns, and report what was removed', () => {
    const { records, afterCrash } = setUp();
    records.put('a', value('12'), 10);
    records.put('b', value(''), 10);
    records.put('a', value('345'), 20);
    const after = afterCrash();
    expect([after.find('a', 19), after.find('b', 9), after.used()]).toEqual([value('345'), value(''), 3]);
    expect([records.sizeOf('a'), records.remove('a'), records.remove('a'), records.sizeOf('a')]).toEqual([3, 3, 0, 0]);
    expect([afterCrash().find('a', 0), afterCrash().used()]).toEqual([undefined, 0]);
  });

  it('are unchanged when one cannot be replaced', () => {
    const { store, records, afterCrash } = setUp();
    records.put('a', value('12'), 10);
    store.sql("CREATE TRIGGER no BEFORE INSERT ON key_values BEGIN SELECT RAISE(ABORT, 'no'); END").run();
    expect(() => records.put('a', value('3'), 10)).toThrow('no');
    store.sql('DROP TRIGGER no').run();
    store.sql('PRAGMA max_page_count = 1').all();
    expect(() => records.put('a', new Uint8Array(50_000), 10)).toThrow(DiskTrouble);
    store.sql('PRAGMA max_page_count = 1000000').all();
    expect([afterCrash().find('a', 9), afterCrash().used()]).toEqual([value('12'), 2]);
  });

  it('that have expired are not found, but count until they are removed in batches', () => {
    const { records, afterCrash } = setUp();
    for (const [n, text] of ['1', '22', '333'].entries()) records.put(text, value(text), 10 * (n + 1));
    expect([records.find('22', 19), records.find('22', 20)]).toEqual([value('22'), undefined]);
    expect([records.sizeOf('22'), records.used()]).toEqual([2, 6]);
    expect(records.removeExpired(9, 9)).toEqual([]);
    expect(records.removeExpired(20, 1)).toHaveLength(1);
    expect(records.removeExpired(20, 9)).toHaveLength(1);
    expect([afterCrash().find('333', 29), afterCrash().used()]).toEqual([value('333'), 3]);
  });

  it.each([
    ['its value', "UPDATE key_values SET value = x'00'"],
    ['its name', "UPDATE key_values SET name = 'b'"],
  ])('are not returned when %s is damaged', (_, damage) => {
    const { store, records } = setUp();
    records.put('a', value('12'), 10);
    store.sql(damage).run();
    expect(records.find('a', 0) ?? records.find('b', 0)).toBeInstanceOf(DamagedRow);
    expect(records.remove('a') + records.remove('b')).toBeGreaterThan(0);
    expect(records.used()).toBe(0);
  });
});
