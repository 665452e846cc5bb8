import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DiskTrouble } from '../local/disk-trouble.ts';
import { openTestStore } from '../queue/testing/requests.ts';
import { testFolder } from '../store/testing/folder.ts';
import { workflowRecords } from './records.ts';
import { testContents } from './testing/contents.ts';

const workflow = (name: string, title = name) => ({
  name,
  title,
  contents: testContents({ sum: [{ a: 1 }] }, '$sum.output'),
  isPublic: false,
  createdAt: 1,
});

function setUp() {
  const file = join(testFolder(), 'minifal.db');
  const store = openTestStore(file);
  return {
    store,
    records: workflowRecords(store),
    /** The contents of the file, as another reader sees them now. */
    onDisk(): readonly unknown[] {
      const other = openTestStore(file);
      const workflows = workflowRecords(other).load();
      other.close();
      return workflows;
    },
  };
}

describe('the records of workflows', () => {
  it('are on disk when a call returns, in the order of their original names', () => {
    const { records, onDisk } = setUp();
    records.put(workflow('b'));
    records.put(workflow('a'));
    records.put(workflow('b', 'changed'));
    expect(onDisk()).toEqual([workflow('b', 'changed'), workflow('a')]);
    records.remove('b');
    records.remove('never there');
    expect(onDisk()).toEqual([workflow('a')]);
  });

  it('are renamed atomically', () => {
    const { store, records, onDisk } = setUp();
    records.put(workflow('old'));
    records.put(workflow('new'), 'old');
    expect(onDisk()).toEqual([workflow('new')]);
    store.sql("CREATE TRIGGER no BEFORE INSERT ON workflows BEGIN SELECT RAISE(ABORT, 'not this one'); END").run();
    expect(() => records.put(workflow('newer'), 'new')).toThrow('not this one');
    expect(onDisk()).toEqual([workflow('new')]);
  });

  it('are unchanged when the disk is full', () => {
    const { store, records, onDisk } = setUp();
    records.put(workflow('a'));
    store.sql('PRAGMA max_page_count = 1').all();
    expect(() => records.put(workflow('a', 'x'.repeat(50_000)))).toThrow(DiskTrouble);
    store.sql('PRAGMA max_page_count = 1000000').all();
    expect(onDisk()).toEqual([workflow('a')]);
  });

  it('are dropped when damaged, and the notices report it', () => {
    const { store, records } = setUp();
    for (const name of ['good', 'bad']) records.put(workflow(name));
    store.sql("UPDATE workflows SET document = replace(document, 'false', 'true') WHERE id = 'bad'").run();
    expect(records.load()).toEqual([workflow('good')]);
    expect(store.notices()).toEqual([expect.stringContaining('workflows (bad) was dropped')]);
  });
});
