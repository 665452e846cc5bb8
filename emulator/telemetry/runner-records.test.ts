import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTestStore } from '../queue/testing/requests.ts';
import { testFolder } from '../store/testing/folder.ts';
import { countingPieces } from '../store/testing/pieces.ts';
import { runnerRecords } from './runner-records.ts';

const runner = (id: string, endReason: string | null = null) => ({
  id,
  number: 1,
  alias: 'app',
  revision: 'r1',
  machineType: 'XS',
  startedAt: 1,
  endedAt: null,
  endReason,
  transitions: [{ at: 1, state: 'PENDING', reason: null }],
  steps: [{ step: 'ordered', at: 1, startupTimeoutMs: 600_000 } as const],
});

function setUp() {
  const file = join(testFolder(), 'minifal.db');
  const { store, sizes } = countingPieces(openTestStore(file));
  return {
    store,
    sizes,
    records: runnerRecords(store),
    /** What another reader of the file sees now. */
    onDisk(): readonly unknown[] {
      const other = openTestStore(file);
      const runners = runnerRecords(other).load();
      other.close();
      return runners;
    },
  };
}

describe('the records of runners', () => {
  it('are on disk when their promise resolves, with one commit per turn', async () => {
    const { records, sizes, onDisk } = setUp();
    const written = Promise.all(['b', 'a'].map((id) => records.keep(id, () => runner(id))));
    expect(onDisk()).toEqual([]);
    await written;
    expect(onDisk()).toEqual([runner('b'), runner('a')]);
    expect(sizes).toEqual([2]);
    await records.remove(['a', 'b', 'never there']);
    expect(onDisk()).toEqual([]);
  });

  it('are written with their current values, and not at all when they no longer exist', async () => {
    const { records, onDisk } = setUp();
    const present = new Map([
      ['a', runner('a')],
      ['b', runner('b')],
    ]);
    const written = Promise.all(['a', 'b'].map((id) => records.keep(id, () => present.get(id))));
    present.set('a', runner('a', 'stopped'));
    present.delete('b');
    await written;
    expect(onDisk()).toEqual([runner('a', 'stopped')]);
  });

  it('are removed together or not at all, and roll back nothing else of the same turn', async () => {
    const { store, records, onDisk } = setUp();
    await Promise.all(['a', 'b'].map((id) => records.keep(id, () => runner(id))));
    const stay = "BEFORE DELETE ON runners WHEN OLD.id = 'b' BEGIN SELECT RAISE(ABORT, 'it stays'); END";
    store.sql(`CREATE TRIGGER stay ${stay}`).run();
    const removed = records.remove(['a', 'b']);
    const kept = records.keep('c', () => runner('c'));
    await expect(removed).rejects.toThrow('it stays');
    await kept;
    expect(onDisk()).toEqual([runner('a'), runner('b'), runner('c')]);
  });

  it('wait for room while the disk is full', async () => {
    const { store, records, onDisk } = setUp();
    store.sql('PRAGMA max_page_count = 1').all();
    let isWritten = false;
    const written = records
      .keep('a', () => runner('a', 'x'.repeat(100_000)))
      .then(() => {
        isWritten = true;
      });
    await expect.poll(() => store.trouble()).not.toBeNull();
    expect([isWritten, onDisk()]).toEqual([false, []]);
    store.sql('PRAGMA max_page_count = 1000000').all();
    await written;
    expect(onDisk()).toEqual([runner('a', 'x'.repeat(100_000))]);
  });
});
