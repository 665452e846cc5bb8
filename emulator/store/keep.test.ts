import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DiskFull } from '../wire/errors.ts';
import { openStore } from './open.ts';
import { testFolder } from './test-folder.ts';

const table = { name: 'test', statements: ['CREATE TABLE t (id TEXT PRIMARY KEY, bytes BLOB) STRICT'] };

/** A store whose disk can be full: SQLite's own limit gives the very error of a full disk. */
function setUp() {
  const file = join(testFolder(), 'test.db');
  const told: (string | undefined)[] = [];
  const store = openStore(file, {
    migrations: [table],
    synchronous: 'FULL',
    onTrouble: (trouble) => told.push(trouble?.message),
  });
  onTestFinished(() => store.close());
  const insert = (id: string, bytes = 20_000) =>
    void store.sql('INSERT OR REPLACE INTO t VALUES (?, ?)').run(id, Buffer.alloc(bytes));
  return {
    file,
    store,
    told,
    insert,
    fill: () => void store.sql('PRAGMA max_page_count = 1').all(),
    free: () => void store.sql('PRAGMA max_page_count = 1000000').all(),
    ids: () =>
      store
        .sql('SELECT id FROM t ORDER BY id')
        .all()
        .map(({ id }) => id),
  };
}

describe('a store on a full disk', () => {
  it('refuses a transaction with what, why and the next step, and says so until a write works', () => {
    const room = setUp();
    room.fill();
    expect(() => room.store.transaction(() => room.insert('a'))).toThrow(DiskFull);
    expect(() => room.store.transaction(() => room.insert('b'))).toThrow(
      /The disk is full: .*database or disk is full/,
    );
    expect(room.store.trouble()?.next).toMatch(/Free some space/);
    expect(room.told).toEqual([expect.stringContaining('The disk is full')]);
    room.free();
    room.store.transaction(() => room.insert('c'));
    expect(room.store.trouble()).toBeNull();
    expect(room.told).toHaveLength(2);
    expect(room.ids()).toEqual(['c']);
  });

  it('notices by itself that there is room again', async () => {
    const room = setUp();
    room.fill();
    expect(() => room.store.transaction(() => room.insert('a'))).toThrow(DiskFull);
    room.free();
    await expect.poll(() => room.store.trouble(), { timeout: 10_000 }).toBeNull();
  });

  it('outlives its folder: it is in trouble, and no more', async () => {
    const room = setUp();
    room.fill();
    expect(() => room.store.transaction(() => room.insert('a'))).toThrow(DiskFull);
    rmSync(dirname(room.file), { recursive: true });
    room.free();
    expect(() => room.store.transaction(() => undefined)).not.toThrow();
    expect(room.store.trouble()).not.toBeNull();
  });

  it('writes what is to be kept as soon as there is room, once, with what is true then', async () => {
    const room = setUp();
    room.fill();
    let id = 'old';
    let done = 0;
    const kept = [
      room.store.keep(() => room.insert(id)).then(() => done++),
      room.store.keep(() => room.insert('other')).then(() => done++),
    ];
    await expect.poll(() => room.store.trouble()).not.toBeNull();
    id = 'new';
    expect(done).toBe(0);
    room.free();
    await Promise.all(kept);
    await expect.poll(() => room.store.trouble()).toBeNull();
    expect(room.ids()).toEqual(['new', 'other']);
  });

  it('one write that is too large for the room holds up no other', async () => {
    const room = setUp();
    room.fill();
    const large = room.store.keep(() => room.insert('large', 4_000_000));
    const small = room.store.keep(() => room.insert('small'));
    room.store.sql('PRAGMA max_page_count = 100').all();
    await small;
    expect(room.store.trouble()).not.toBeNull();
    expect(room.ids()).toEqual(['small']);
    room.free();
    await large;
    expect(room.ids()).toEqual(['large', 'small']);
  });

  it('tells who keeps something that can never be written', async () => {
    const { store } = setUp();
    await expect(store.keep(() => void store.sql("INSERT INTO t VALUES (1.5, 'x')").run())).rejects.toThrow();
    expect(store.trouble()).toBeNull();
  });

  it('tries what is kept a last time when it is closed', () => {
    const other = openStore(join(testFolder(), 'other.db'), { migrations: [table], synchronous: 'FULL' });
    const insert = () => void other.sql("INSERT INTO t VALUES ('a', zeroblob(20000))").run();
    other.sql('PRAGMA max_page_count = 1').all();
    void other.keep(insert);
    other.sql('PRAGMA max_page_count = 1000000').all();
    other.close();
    const again = openStore(other.file, { migrations: [table], synchronous: 'FULL' });
    expect(again.sql('SELECT id FROM t').all()).toEqual([{ id: 'a' }]);
    again.close();
  });
});
