import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DiskTrouble } from '../local/disk-trouble.ts';
import { openTestStore } from '../queue/testing/requests.ts';
import { testFolder } from '../store/testing/folder.ts';
import { type CatalogRecords, catalogRecords, type Records } from './records.ts';

const environment = { name: 'dev', description: null, isDefault: false, createdAt: 1 };
const key = { keyId: 'k', scope: 'ADMIN', alias: 'laptop', createdAt: 1, secretHash: '00' } as const;
const secret = (environmentName: string) => ({
  name: 'TOKEN',
  environmentName,
  createdAt: 1,
  defaultExposed: true,
  sealed: 'bytes',
});
const large = 'x'.repeat(20_000);

function setUp() {
  const file = join(testFolder(), 'minifal.db');
  const store = openTestStore(file);
  return {
    store,
    records: catalogRecords(store),
    /** What another reader of the file sees now: nothing that exists only in this process's memory. */
    onDisk<T>(read: (records: CatalogRecords) => Records<T>): readonly T[] {
      const other = openTestStore(file);
      const values = read(catalogRecords(other))
        .load()
        .map(({ value }) => value);
      other.close();
      return values;
    },
    /** The disk is full while `work` runs. */
    async full(work: () => void | Promise<void>): Promise<void> {
      store.sql('PRAGMA max_page_count = 1').all();
      await work();
      store.sql('PRAGMA max_page_count = 1000000').all();
    },
  };
}

describe('the records of the catalog', () => {
  it('are on disk when a call returns', () => {
    const { records, onDisk } = setUp();
    records.keys.put('k', key);
    expect(onDisk((of) => of.keys)).toEqual([key]);
    records.keys.put('k', { ...key, alias: 'ci' });
    expect(onDisk((of) => of.keys)).toEqual([{ ...key, alias: 'ci' }]);
    records.keys.remove('k');
    expect(onDisk((of) => of.keys)).toEqual([]);
  });

  it('are loaded in the order in which their ids were first put', () => {
    const { records, onDisk } = setUp();
    for (const id of ['b', 'a', 'c']) records.keys.put(id, { ...key, keyId: id });
    records.keys.put('b', { ...key, keyId: 'b', alias: 'again' });
    expect(onDisk((of) => of.keys).map(({ keyId }) => keyId)).toEqual(['b', 'a', 'c']);
  });

  it('of an environment are removed with it, and no others', () => {
    const { records, onDisk } = setUp();
    records.environments.put('dev', environment);
    for (const name of ['dev', 'main']) records.secrets.put(`${name} TOKEN`, secret(name));
    records.removeEnvironment('dev', { secrets: ['dev TOKEN'], aliases: [], revisions: [] });
    expect(onDisk((of) => of.environments)).toEqual([]);
    expect(onDisk((of) => of.secrets)).toEqual([secret('main')]);
  });

  it('of an environment are all kept when one of them can’t be removed', () => {
    const { store, records, onDisk } = setUp();
    records.environments.put('dev', environment);
    records.secrets.put('dev TOKEN', secret('dev'));
    store.sql("CREATE TRIGGER stay BEFORE DELETE ON environments BEGIN SELECT RAISE(ABORT, 'it stays'); END").run();
    const remove = () => records.removeEnvironment('dev', { secrets: ['dev TOKEN'], aliases: [], revisions: [] });
    expect(remove).toThrow('it stays');
    expect(onDisk((of) => of.secrets)).toEqual([secret('dev')]);
    expect(onDisk((of) => of.environments)).toEqual([environment]);
  });

  it('are unchanged when the disk is full', async () => {
    const { records, onDisk, full } = setUp();
    records.keys.put('k', key);
    await full(() => {
      expect(() => records.keys.put('k', { ...key, alias: large })).toThrow(DiskTrouble);
      expect(() => records.keys.put('other', { ...key, alias: large })).toThrow(DiskTrouble);
    });
    expect(onDisk((of) => of.keys)).toEqual([key]);
  });

  it('that are kept are written when there is room: their current value, and only if they exist', async () => {
    const { store, records, onDisk, full } = setUp();
    const present = new Map([
      ['a', { ...key, keyId: 'a', alias: large }],
      ['b', { ...key, keyId: 'b', alias: large }],
    ]);
    let kept: Promise<unknown> = Promise.resolve();
    let isKept = false;
    await full(async () => {
      kept = Promise.all(['a', 'b'].map((id) => records.keys.keep(id, () => present.get(id))));
      void kept.then(() => {
        isKept = true;
      });
      present.set('a', { ...key, keyId: 'a', alias: 'later' });
      present.delete('b');
      await new Promise(setImmediate);
      expect([isKept, onDisk((of) => of.keys)]).toEqual([false, []]);
    });
    await kept;
    expect(onDisk((of) => of.keys)).toEqual([{ ...key, keyId: 'a', alias: 'later' }]);
    expect(store.sql('SELECT id FROM keys').all()).toEqual([{ id: 'a' }]);
  });
});
