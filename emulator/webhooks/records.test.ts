import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openTestStore } from '../queue/testing/requests.ts';
import { afterCrash } from '../store/testing/after-crash.ts';
import { testFolder } from '../store/testing/folder.ts';
import { type Pending, webhookRecords } from './records.ts';

const hook: Pending = { url: 'http://localhost:1/', userId: 'u', attempts: 0, nextAt: null };
const later: Pending = { ...hook, attempts: 1, nextAt: 9 };

function setUp() {
  const store = openTestStore(join(testFolder(), 'minifal.db'));
  onTestFinished(() => store.close());
  return {
    store,
    records: webhookRecords(store),
    /** The records that the next emulator would find if this one were killed now. */
    afterCrash() {
      const other = openTestStore(afterCrash(store.file));
      onTestFinished(() => other.close());
      return webhookRecords(other).load();
    },
  };
}

describe('the records of webhooks', () => {
  it('are stored with the rest of their transaction, or not at all', () => {
    const { store, records, afterCrash } = setUp();
    const submit = (bug?: string) =>
      store.transaction(() => {
        records.note('a', hook);
        if (bug) throw new Error(bug);
      });
    expect(() => submit('no request')).toThrow('no request');
    expect(afterCrash()).toEqual([]);
    submit();
    expect(afterCrash()).toEqual([{ id: 'a', value: hook }]);
  });

  it('are on disk when the promise resolves, in insertion order, and then removed', async () => {
    const { records, afterCrash } = setUp();
    for (const id of ['b', 'a']) await records.keep(id, () => hook);
    await records.keep('b', () => later);
    expect(afterCrash()).toEqual([
      { id: 'b', value: later },
      { id: 'a', value: hook },
    ]);
    await records.keep('b', () => undefined);
    expect(afterCrash()).toEqual([{ id: 'a', value: hook }]);
  });

  it('share a transaction, in which a failed write rolls back no other', async () => {
    const { store, records, afterCrash } = setUp();
    const broken = records.keep('a', () => {
      throw new Error('a bug');
    });
    const ends = await Promise.allSettled([broken, records.keep('b', () => hook), records.keep('c', () => hook)]);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(afterCrash().map(({ id }) => id)).toEqual(['b', 'c']);
    expect(store.trouble()).toBeNull();
  });

  it('wait for space on a full disk, and then write the current state', async () => {
    const { store, records, afterCrash } = setUp();
    await records.keep('a', () => hook);
    await records.keep('b', () => hook);
    store.sql('PRAGMA max_page_count = 1').all();
    let present: { readonly a: Pending | undefined; readonly b: Pending | undefined } = {
      a: { ...hook, url: 'x'.repeat(50_000) },
      b: { ...hook, url: 'x'.repeat(50_000) },
    };
    const kept = Promise.all([records.keep('a', () => present.a), records.keep('b', () => present.b)]);
    await expect.poll(() => store.trouble()?.trouble).toBe('full');
    expect(afterCrash().map(({ value }) => value)).toEqual([hook, hook]);
    present = { a: later, b: undefined };
    store.sql('PRAGMA max_page_count = 1000000').all();
    await kept;
    expect(afterCrash()).toEqual([{ id: 'a', value: later }]);
  });

  it('are loaded whole: a damaged one is removed, one of another version of minifal is kept', () => {
    const { store, records } = setUp();
    for (const id of ['damaged', 'strange', 'whole']) store.transaction(() => records.note(id, hook));
    store.transaction(() => records.note('strange', { url: 'x' } as Pending));
    store.sql("UPDATE webhooks SET document = replace(document, 'local', 'other') WHERE id = 'damaged'").run();
    expect(records.load()).toEqual([{ id: 'whole', value: hook }]);
    expect(store.notices()).toEqual([
      expect.stringMatching(/damaged entry of webhooks \(damaged\) was dropped/),
      expect.stringMatching(/webhooks \(strange\) can't be read .* left unchanged/),
    ]);
    const ids = store.sql('SELECT id FROM webhooks ORDER BY id').all();
    expect(ids.map(({ id }) => id)).toEqual(['strange', 'whole']);
  });
});
