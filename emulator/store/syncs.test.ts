import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createGroupCommit } from './group-commit.ts';
import { openStore } from './open.ts';
import { testFolder } from './testing/folder.ts';

const table = { name: 'test', statements: ['CREATE TABLE t (id TEXT PRIMARY KEY) STRICT'] };

/** A store whose syncs of the disk end when the test says so. */
function setUp() {
  const file = join(testFolder(), 'test.db');
  const syncs: ((error: Error | null) => void)[] = [];
  const troubles: (string | undefined)[] = [];
  const store = openStore(file, {
    migrations: [table],
    synchronous: 'FULL',
    sync: (_, done) => void syncs.push(done),
    onTrouble: (trouble) => troubles.push(trouble?.trouble),
  });
  let isOpen = true;
  const close = (): void => {
    if (isOpen) store.close();
    isOpen = false;
  };
  onTestFinished(close);
  const done: string[] = [];
  const [commits, others] = [createGroupCommit(store), createGroupCommit(store)];
  const put = (id: string, to = commits) =>
    to.write(() => void store.sql('INSERT INTO t VALUES (?)').run(id)).then(() => void done.push(id));
  const ids = () =>
    store
      .sql('SELECT id FROM t ORDER BY id')
      .all()
      .map(({ id }) => String(id));
  return { file, store, syncs, troubles, done, put, others, ids, close };
}

/** Everything that is due now has run. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a group commit', () => {
  it('resolves only when the disk has it, and the event loop runs meanwhile', async () => {
    const { syncs, done, put, ids } = setUp();
    const a = put('a');
    await turns();
    expect([ids(), done, syncs.length]).toEqual([['a'], [], 1]);
    syncs[0]?.(null);
    await a;
    expect(done).toEqual(['a']);
  });

  it('lets what comes during a sync, from any room, share the next one', async () => {
    const { syncs, done, put, others, ids } = setUp();
    const first = put('a');
    await turns();
    const later = [put('b'), put('c', others), put('d')];
    await turns();
    expect([ids(), syncs.length]).toEqual([['a'], 1]);
    syncs[0]?.(null);
    await first;
    await turns();
    expect([ids(), done, syncs.length]).toEqual([['a', 'b', 'c', 'd'], ['a'], 2]);
    syncs[1]?.(null);
    await Promise.all(later);
    expect(syncs).toHaveLength(2);
  });

  it('is not on the disk by a sync that began before it', async () => {
    const { store, syncs, done, put } = setUp();
    const a = put('a');
    await turns();
    store.transactEach([() => void store.sql("INSERT INTO t VALUES ('b')").run()]);
    const b = store.synced().then(() => void done.push('b'));
    syncs[0]?.(null);
    await a;
    await turns();
    expect([done, syncs.length]).toEqual([['a'], 2]);
    syncs[1]?.(null);
    await b;
  });

  it('waits for a disk whose sync failed, and writes to the file itself what the sync may have lost', async () => {
    const { file, syncs, troubles, put } = setUp();
    const a = put('a');
    await turns();
    syncs[0]?.(Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' }));
    await a;
    expect(troubles[0]).toBe('io');
    const alone = join(testFolder(), 'test.db');
    copyFileSync(file, alone);
    const copy = openStore(alone, { migrations: [table], synchronous: 'FULL' });
    expect(copy.sql('SELECT id FROM t').all()).toEqual([{ id: 'a' }]);
    copy.close();
  });

  it('waits for a reader that keeps a part of it out of the file after a failed sync', async () => {
    const { file, syncs, done, put } = setUp();
    const reader = new DatabaseSync(file);
    onTestFinished(() => reader.close());
    reader.exec('BEGIN');
    reader.prepare('SELECT * FROM t').all();
    const tries = vi.spyOn(StatementSync.prototype, 'get');
    onTestFinished(() => tries.mockRestore());
    const a = put('a');
    await turns();
    syncs[0]?.(Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' }));
    await vi.waitUntil(() => tries.mock.results.some(({ value }) => value?.log > value?.checkpointed));
    await turns();
    expect(done).toEqual([]);
    reader.exec('COMMIT');
    await a;
    expect(done).toEqual(['a']);
  });

  it('rejects for any other reason', async () => {
    const { syncs, put } = setUp();
    const a = put('a');
    const outcome = a.catch((error: Error) => error.message);
    await turns();
    syncs[0]?.(new Error('a bug'));
    expect(await outcome).toBe('a bug');
  });

  it('is on the disk when its store was closed', async () => {
    const { syncs, put, close } = setUp();
    const a = put('a');
    close();
    await a;
    expect(syncs).toEqual([]);
  });
});

describe('a transaction that is on the disk when it returns', () => {
  it('is synced by SQLite, also after group commits', async () => {
    const { store, syncs, put } = setUp();
    const a = put('a');
    await turns();
    expect(store.sql('PRAGMA synchronous').get()).toEqual({ synchronous: 1 });
    store.transaction(() => expect(store.sql('PRAGMA synchronous').get()).toEqual({ synchronous: 2 }));
    syncs[0]?.(null);
    await a;
  });
});
