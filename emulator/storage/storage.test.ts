import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { mainMigrations } from '../migrations.ts';
import { openStore } from '../store/open.ts';
import { testFolder } from '../store/testing/folder.ts';
import { createStorage } from './storage.ts';
import { decide, type FileAbout, type StoredFile } from './stored-file.ts';

const about: FileAbout = {
  id: 'aa11',
  name: 'a.txt',
  contentType: 'text/plain',
  userId: 'owner',
  expiresAt: null,
  acl: null,
};
const bytes = (text: string) => [Buffer.from(text)];

function made(maxBytes = 100) {
  const folder = testFolder();
  const state = { now: 1_000_000 };
  const open = () => {
    const store = openStore(join(folder, 'minifal.db'), { migrations: mainMigrations, synchronous: 'NORMAL' });
    const storage = createStorage({ folder, store, maxBytes, clock: () => state.now });
    return { ...storage, store };
  };
  const storage = open();
  onTestFinished(() => {
    if (isOpen) storage.store.close();
  });
  let isOpen = true;
  return {
    folder,
    state,
    storage,
    reopen() {
      storage.store.close();
      isOpen = false;
      const again = open();
      onTestFinished(() => again.store.close());
      return again;
    },
    async put(options: Partial<FileAbout>, text: string) {
      const id = storage.uploads.begin({ ...about, ...options });
      await storage.uploads.putWhole(id, bytes(text));
    },
  };
}

describe('stored files', () => {
  it('exist after a restart, with type, owner and rules, and count against the limit', async () => {
    const { put, reopen } = made();
    const acl = { default: 'forbid' as const, rules: [{ user: 'friend', decision: 'allow' as const }] };
    await put({ acl }, 'hello');
    const again = reopen();
    const found = again.files.find('aa11');
    expect(found?.file).toMatchObject({ contentType: 'text/plain', userId: 'owner', size: 5, acl });
    expect(readFileSync(found?.path ?? '', 'utf8')).toBe('hello');
    expect(again.quota.used()).toBe(5);
  });

  it('expire according to their lifecycle, and release their bytes', async () => {
    const { state, storage, put } = made();
    await put({ expiresAt: state.now + 1000 }, 'short');
    await put({ id: 'bb22' }, 'kept');
    const { path = '' } = storage.files.find('aa11') ?? {};
    state.now += 1000;
    expect(storage.files.find('aa11')).toBeUndefined();
    expect(await storage.files.prune()).toEqual({ files: 1, bytes: 5 });
    expect(() => readFileSync(path)).toThrow('ENOENT');
    expect(storage.quota.used()).toBe(4);
    expect(storage.files.find('bb22')).toBeDefined();
  });

  it('expire in any number, in batches', async () => {
    const { state, storage } = made(2_000);
    const { store } = storage;
    for (let n = 0; n < 1_200; n++) storage.keyValues.set('db', String(n), new Uint8Array(1), n < 90 ? 1 : 1_000);
    const about = store.sql('INSERT INTO stored_files (id, size, expires_at, about, check_sum) VALUES (?, 0, ?, ?, 0)');
    store.transaction(() => {
      for (let n = 0; n < 1_200; n++) about.run(`id-${n}`, state.now, '{}');
    });
    state.now += 1_000;
    let turns = 0;
    const pruned = storage.prune(() => {
      turns += 1;
      return false;
    });
    expect(turns, 'the rest comes in later turns').toBe(1);
    await pruned;
    expect(storage.quota.used()).toBe(1_110);
    expect(store.sql('SELECT count(*) AS n FROM stored_files').get()?.n).toBe(0);
    await storage.prune(() => true);
  });

  it('above the limit are refused as a whole; the same file put again replaces itself', async () => {
    const { storage, put } = made(10);
    await put({}, '123456');
    await expect(put({ id: 'bb22' }, '12345')).rejects.toMatchObject({ reason: 'full' });
    expect(storage.files.find('bb22')).toBeUndefined();
    expect(storage.quota.used()).toBe(6);
    await put({}, '1234');
    expect(storage.quota.used()).toBe(4);
  });

  it('without a record, as after a crash, are removed; a record without content is not a file', async () => {
    const { folder, storage, put } = made();
    mkdirSync(join(folder, 'storage', 'files', 'cc'), { recursive: true });
    writeFileSync(join(folder, 'storage', 'files', 'cc', 'cc33'), 'left');
    expect(await storage.files.prune()).toEqual({ files: 1, bytes: 4 });
    await put({}, 'x');
    rmSync(storage.files.find('aa11')?.path ?? '');
    expect(storage.files.find('aa11')).toBeUndefined();
  });

  it('are never read from a changed record', async () => {
    const { storage, put } = made();
    await put({}, 'x');
    storage.store.sql("UPDATE stored_files SET about = replace(about, 'owner', 'thief')").run();
    expect(storage.files.find('aa11')).toBeUndefined();
    expect(storage.store.notices().join()).toContain('damaged record of a stored file');
    expect(storage.quota.used()).toBe(0);
  });

  it('are readable for users that their rules allow, and always for their owner', () => {
    const file = (acl: StoredFile['acl']): StoredFile => ({ ...about, acl, size: 0, md5: '' });
    expect(decide(file(null), undefined)).toBe('allow');
    const rules = [
      { user: 'foe', decision: 'hide' as const },
      { user: 'friend', decision: 'allow' as const },
    ];
    const closed = file({ default: 'forbid', rules });
    expect(decide(closed, undefined)).toBe('forbid');
    expect(decide(closed, ['friend'])).toBe('allow');
    expect(decide(closed, ['foe'])).toBe('hide');
    expect(decide(closed, ['stranger'])).toBe('forbid');
    expect(decide(closed, ['owner'])).toBe('allow');
  });
});

describe('the key-value store', () => {
  it('keeps a value until it expires, also across a restart; names never mix', async () => {
    const { state, storage, reopen } = made();
    const { keyValues } = storage;
    keyValues.set('db', 'a/b', Buffer.from('1'), 60);
    keyValues.set('db/a', 'b', Buffer.from('2'), 60);
    keyValues.set('db', 'a/b', Buffer.from('3'), 60);
    const again = reopen();
    expect(again.quota.used()).toBe(2);
    const get = (db: string, key: string) => again.keyValues.get(db, key);
    expect([get('db', 'a/b'), get('db/a', 'b'), get('db', 'a')]).toEqual([
      new Uint8Array([0x33]),
      new Uint8Array([0x32]),
      undefined,
    ]);
    again.keyValues.delete('db', 'a/b');
    again.keyValues.delete('db', 'a/b');
    expect(get('db', 'a/b')).toBeUndefined();
    state.now += 60_000;
    expect(get('db/a', 'b')).toBeUndefined();
    expect(await again.keyValues.prune()).toBe(1);
    expect(again.quota.used()).toBe(0);
  });

  it('replaces a value when there is no room for both', () => {
    const { storage } = made(10);
    storage.keyValues.set('db', 'a', Buffer.from('12345678'), 60);
    storage.keyValues.set('db', 'a', Buffer.from('87654321'), 60);
    expect(storage.quota.used()).toBe(8);
    expect(() => storage.keyValues.set('db', 'a', Buffer.from('12345678901'), 60)).toThrow('full');
    expect(Buffer.from(storage.keyValues.get('db', 'a') ?? []).toString()).toBe('87654321');
  });

  it('has a limit, and drops a damaged value', () => {
    const { storage } = made(10);
    storage.keyValues.set('db', 'a', Buffer.from('12345'), 60);
    expect(() => storage.keyValues.set('db', 'b', Buffer.from('123456'), 60)).toThrow('full');
    expect(() => storage.keyValues.set('db', 'b', Buffer.alloc(1_900_001), 60)).toThrow('1.9 MB');
    storage.store.sql("UPDATE key_values SET value = x'00'").run();
    expect(storage.keyValues.get('db', 'a')).toBeUndefined();
    expect(storage.store.notices().join()).toContain('damaged value');
  });
});

it('does not count what the database rejected, and still counts what it kept', async () => {
  const { storage, put } = made();
  await put({}, '1234');
  storage.keyValues.set('db', 'a', Buffer.from('12345'), 60);
  for (const table of ['stored_files', 'key_values']) {
    storage.store
      .sql(`CREATE TRIGGER no_${table} BEFORE INSERT ON ${table} BEGIN SELECT RAISE(ABORT, 'no'); END`)
      .run();
  }
  for (let round = 0; round < 3; round++) {
    await expect(put({}, '12')).rejects.toThrow('no');
    expect(() => storage.keyValues.set('db', 'a', Buffer.from('1'), 60)).toThrow('no');
    expect(() => storage.keyValues.set('db', 'b', Buffer.from('123'), 60)).toThrow('no');
  }
  expect(storage.quota.used()).toBe(9);
});
