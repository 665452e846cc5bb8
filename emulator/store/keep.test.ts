import { execFileSync } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DiskTrouble } from '../local/disk-trouble.ts';
import { openStore } from './open.ts';
import { testFolder } from './testing/folder.ts';

const table = { name: 'test', statements: ['CREATE TABLE t (id TEXT PRIMARY KEY, bytes BLOB) STRICT'] };

/** A store whose disk can be full: SQLite's own size limit raises the same error as a full disk. */
function setUp() {
  const file = join(testFolder(), 'test.db');
  const reported: (string | undefined)[] = [];
  const store = openStore(file, {
    migrations: [table],
    synchronous: 'FULL',
    onTrouble: (trouble) => reported.push(trouble?.message),
  });
  onTestFinished(() => store.close());
  const insert = (id: string, bytes = 20_000) =>
    void store.sql('INSERT OR REPLACE INTO t VALUES (?, ?)').run(id, Buffer.alloc(bytes));
  return {
    file,
    store,
    reported,
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
  it('says when its trouble begins, changes and has passed, and nothing in between', async () => {
    const { store, insert, fill, free } = setUp();
    const seen: (string | undefined)[] = [];
    const unfollow = store.followTrouble(() => seen.push(store.trouble()?.trouble));
    fill();
    for (let n = 0; n < 5; n++) expect(() => store.transaction(() => insert(`${n}`))).toThrow(DiskTrouble);
    store.recordTrouble(new DiskTrouble('io', 'EIO'));
    expect(seen).toEqual(['full', 'io']);
    free();
    await expect.poll(() => store.trouble(), { timeout: 10_000 }).toBeNull();
    expect(seen).toEqual(['full', 'io', undefined]);
    unfollow();
    store.recordTrouble(new DiskTrouble('io', 'EIO'));
    expect(seen).toHaveLength(3);
  });

  it('commits none of a group in which another piece failed, and reports that it is full', () => {
    const { store, insert, fill, free, ids } = setUp();
    const bug = (): void => {
      throw new Error('a bug');
    };
    const group = [bug, () => insert('large'), () => void store.sql("INSERT INTO t VALUES ('small', NULL)").run()];
    fill();
    expect(() => store.transactEach(group)).toThrow(/^The disk is full/);
    expect(ids()).toEqual([]);
    free();
    expect(store.transactEach(group)).toEqual([expect.objectContaining({ message: 'a bug' }), undefined, undefined]);
    expect(ids()).toEqual(['large', 'small']);
  });

  it('refuses a transaction with what, why and the next step, and says so until a write works', () => {
    const room = setUp();
    room.fill();
    expect(() => room.store.transaction(() => room.insert('a'))).toThrow(DiskTrouble);
    expect(() => room.store.transaction(() => room.insert('b'))).toThrow(
      /The disk is full: .*database or disk is full/,
    );
    expect(room.store.trouble()?.next).toMatch(/Free some space/);
    expect(room.reported).toEqual([expect.stringContaining('The disk is full')]);
    room.free();
    room.store.transaction(() => room.insert('c'));
    expect(room.store.trouble()).toBeNull();
    expect(room.reported).toHaveLength(2);
    expect(room.ids()).toEqual(['c']);
  });

  it('detects automatically that there is room again', async () => {
    const room = setUp();
    room.fill();
    expect(() => room.store.transaction(() => room.insert('a'))).toThrow(DiskTrouble);
    room.free();
    await expect.poll(() => room.store.trouble(), { timeout: 10_000 }).toBeNull();
  });

  it('whose folder was deleted stays unusable, and reports that for every write', async () => {
    const room = setUp();
    room.fill();
    expect(() => room.store.transaction(() => room.insert('a'))).toThrow(DiskTrouble);
    rmSync(dirname(room.file), { recursive: true });
    room.free();
    expect(() => room.store.transaction(() => undefined)).toThrow(/was deleted, moved or replaced/);
    expect(room.store.trouble()?.trouble).toBe('gone');
  });

  it('writes what must be kept once, as soon as there is room, with the values of that moment', async () => {
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

  it('does not delay other writes because one is too large for the room', async () => {
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

  it('reports a read-only file as such, with its own next step', () => {
    const room = setUp();
    room.store.sql('PRAGMA query_only = ON').all();
    expect(() => room.store.transaction(() => room.insert('a'))).toThrow(/The disk is read-only: .*readonly database/);
    expect(room.store.trouble()).toMatchObject({
      trouble: 'readonly',
      next: expect.stringMatching(/mounted read-write/),
    });
    room.store.sql('PRAGMA query_only = OFF').all();
    room.store.transaction(() => undefined);
    expect(room.store.trouble()).toBeNull();
  });

  it('reports each kind of trouble once when the kind changes, and the end once', async () => {
    const room = setUp();
    const failIn = (setting: string) => {
      room.store.sql(setting).all();
      expect(() => room.store.transaction(() => room.insert('a'))).toThrow(DiskTrouble);
    };
    room.fill();
    for (const setting of ['ON', 'OFF', 'ON', 'OFF']) failIn(`PRAGMA query_only = ${setting}`);
    room.free();
    room.store.transaction(() => undefined);
    expect(room.reported).toEqual([
      expect.stringContaining('read-only'),
      expect.stringContaining('is full'),
      undefined,
    ]);
  });

  it('also reports trouble that another room met on the same disk, and its end automatically', async () => {
    const room = setUp();
    room.store.recordTrouble(new DiskTrouble('io', 'EIO: i/o error, write'));
    room.store.recordTrouble(new DiskTrouble('io', 'EIO: i/o error, write'));
    expect(room.store.trouble()?.message).toMatch(/The disk reports errors: .*EIO/);
    await expect.poll(() => room.store.trouble(), { timeout: 10_000 }).toBeNull();
    expect(room.reported).toHaveLength(2);
  });

  it('reports a kept write that can never succeed', async () => {
    const { store } = setUp();
    await expect(store.keep(() => void store.sql("INSERT INTO t VALUES (1.5, 'x')").run())).rejects.toThrow();
    expect(store.trouble()).toBeNull();
  });

  it('tries kept writes one last time when it is closed', () => {
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

describe.runIf(canLimit())('a store whose disk reports errors', () => {
  // The system itself refuses to let a file of this process grow: SQLite reports IOERR_WRITE, as for a failing disk.
  const limit = (bytes: number | 'unlimited') =>
    execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:`]);

  it('reports that, and a transaction that writes nothing does not end it', () => {
    const room = setUp();
    const wal = statSync(`${room.file}-wal`).size;
    limit(wal);
    onTestFinished(() => void limit('unlimited'));
    expect(() => room.store.transaction(() => room.insert('a'))).toThrow(/The disk reports errors: .*disk I\/O error/);
    expect(room.store.trouble()).toMatchObject({ trouble: 'io', next: expect.stringMatching(/^Check the disk/) });
    room.store.transaction(() => undefined);
    room.store.transaction(() => void room.store.sql('UPDATE store_meta SET version = version').run());
    expect(room.store.trouble()).not.toBeNull();
    expect(room.reported).toHaveLength(1);
    limit('unlimited');
    room.store.transaction(() => undefined);
    expect(room.store.trouble()).toBeNull();
    expect(room.reported).toHaveLength(2);
  });
});

function canLimit(): boolean {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
