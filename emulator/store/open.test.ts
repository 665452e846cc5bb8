import { cpSync, existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { createQueue } from '../queue/queue.ts';
import { openTestStore, testRequest, testResponse } from '../queue/testing/requests.ts';
import { UserError } from '../wire/errors.ts';
import type { Migration } from './migrate.ts';
import { checkOf, openStore } from './open.ts';
import { testFolder } from './testing/folder.ts';

const slow = process.env.MINIFAL_SLOW === '1';
const one: Migration = { name: 'one', statements: ['CREATE TABLE a (x INTEGER) STRICT', 'INSERT INTO a VALUES (1)'] };
const two: Migration = { name: 'two', statements: ['ALTER TABLE a ADD COLUMN y INTEGER', 'UPDATE a SET y = x + 1'] };
const open = (file: string, migrations: readonly Migration[]) => openStore(file, { migrations, synchronous: 'FULL' });

describe('openStore', () => {
  it('runs the migrations that are missing, once each', () => {
    const file = join(testFolder(), 'deep', 'a.db');
    open(file, [one]).close();
    open(file, [one]).close();
    const store = open(file, [one, two]);
    expect(store.sql('SELECT x, y FROM a').all()).toEqual([{ x: 1, y: 2 }]);
    expect(store.notices()).toEqual([]);
    store.close();
  });

  it('undoes a migration that fails, as a whole', () => {
    const file = join(testFolder(), 'a.db');
    open(file, [one]).close();
    const bad: Migration = { name: 'bad', statements: ['CREATE TABLE b (x INTEGER)', 'nonsense'] };
    const db = new DatabaseSync(file);
    expect(() => open(file, [one, bad])).toThrow();
    expect(db.prepare("SELECT name FROM sqlite_master WHERE name = 'b'").all()).toEqual([]);
    db.close();
  });

  it('refuses a file of a newer minifal with a solution, and leaves it unchanged', () => {
    const file = join(testFolder(), 'a.db');
    open(file, [one, two]).close();
    const before = readFileSync(file);
    expect(() => open(file, [one])).toThrow(UserError);
    expect(() => open(file, [one])).toThrow(/newer minifal \(schema 2; this one supports up to 1\)/);
    expect(readFileSync(file)).toEqual(before);
  });

  it('writes ahead, syncs every commit, enforces references and keeps the file to its owner', () => {
    const file = join(testFolder(), 'a.db');
    const store = open(file, [one]);
    expect(store.sql('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    expect(store.sql('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
    expect(store.sql('PRAGMA foreign_keys').get()).toEqual({ foreign_keys: 1 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(`${file}-wal`).mode & 0o777).toBe(0o600);
    store.close();
    expect(existsSync(`${file}-wal`)).toBe(false);
  });

  it.each([
    ['a new file', 0, false, undefined, undefined],
    ['a small file', 2e6, false, 'integrity_check', 'integrity_check'],
    ['a small file after a crash', 2e6, true, 'integrity_check', 'integrity_check'],
    // About 100,000 log lines: comparing their indexes takes longer than the rest of a start.
    ['a larger file', 40e6, false, 'quick_check', undefined],
    ['a larger file after a crash', 40e6, true, 'quick_check', 'quick_check'],
    ['a large file', 200e6, false, undefined, undefined],
    ['a large file after a crash', 200e6, true, 'quick_check', 'quick_check'],
  ])('checks %s as thoroughly as a start permits', (_, bytes, crashed, promises, logs) => {
    expect([checkOf(bytes, crashed, 'FULL'), checkOf(bytes, crashed, 'NORMAL')]).toEqual([promises, logs]);
  });

  it('undoes a transaction that throws and continues', () => {
    const store = open(join(testFolder(), 'a.db'), [one]);
    const fail = () =>
      store.transaction(() => {
        store.sql('INSERT INTO a VALUES (2)').run();
        throw new Error('no');
      });
    expect(fail).toThrow('no');
    expect(store.transaction(() => store.sql('SELECT x FROM a').all())).toEqual([{ x: 1 }]);
    store.close();
  });

  it('reports in a sentence that a location cannot be written', () => {
    const folder = join(testFolder(), 'a.db');
    mkdirSync(folder);
    expect(() => open(folder, [one])).toThrow(UserError);
  });

  it('moves a file that is not a database aside and starts over', () => {
    const file = join(testFolder(), 'a.db');
    for (const n of [1, 2]) {
      writeFileSync(file, 'not a database, but long enough to look like a header'.repeat(50));
      const store = open(file, [one]);
      expect(store.notices()).toEqual([expect.stringMatching(new RegExp(`was damaged .*new store.*damaged-${n}$`))]);
      expect(readFileSync(`${file}.damaged-${n}`, 'utf8')).toContain('not a database');
      expect(store.sql('SELECT x FROM a').all()).toEqual([{ x: 1 }]);
      store.close();
    }
  });

  it('reports that a file was empty', () => {
    const file = join(testFolder(), 'a.db');
    writeFileSync(file, '');
    const store = open(file, [one]);
    expect(store.notices()).toEqual([expect.stringContaining('was empty')]);
    store.close();
  });
});

/** A queue with 30 waiting and 30 completed requests; `crashed`: the last commits are in the write-ahead log only. */
async function filledStore(folder: string, crashed: boolean): Promise<string> {
  const file = join(folder, 'original.db');
  const store = openTestStore(file);
  const queue = createQueue({ store, clock: () => 0 });
  for (let n = 0; n < 60; n++) {
    await queue.submit(testRequest(`request-${n}`, { body: Buffer.alloc(200 + n * 40, `body ${n} `) }));
    if (n % 2 === 0) await queue.complete(`request-${n}`, testResponse(`result ${n}`), n);
  }
  await queue.close();
  if (crashed) for (const part of ['', '-wal']) cpSync(file + part, `${file}.copy${part}`);
  store.close();
  if (!crashed) cpSync(file, `${file}.copy`);
  return `${file}.copy`;
}

/**
 * Opens and uses a damaged copy as the emulator would: this must never throw. Returns how many requests the copy still
 * contains.
 */
async function useDamaged(file: string): Promise<{ known: number; notices: readonly string[] }> {
  const store = openTestStore(file);
  const unreadable: unknown[] = [];
  const queue = createQueue({ store, clock: () => 0, report: (error) => unreadable.push(error) });
  for (const { request } of queue.unfinished()) {
    const n = Number(request.id.split('-')[1]);
    const reported = unreadable.length;
    const body = queue.submitted(request.id)?.body;
    // The damage is reported, and the request's attempt ends with an error.
    if (!body) expect(unreadable.length).toBe(reported + 1);
    else expect(Buffer.from(body)).toEqual(Buffer.alloc(200 + n * 40, `body ${n} `));
  }
  let known = 0;
  for (let n = 0; n < 60; n++) {
    const record = queue.record(`request-${n}`);
    if (!record) continue;
    known++;
    const outcome = queue.result(record.id);
    const intact = outcome?.kind !== 'response' || Buffer.from(outcome.response.body).toString() === `result ${n}`;
    expect(intact, `${record.id} has a wrong result`).toBe(true);
  }
  await queue.submit(testRequest(`new one`));
  await queue.close();
  store.close();
  return { known, notices: store.notices() };
}

describe('a torn or damaged store', () => {
  it('starts with the file cut anywhere, reports what it dropped, and keeps what can be read', {
    timeout: 600_000,
  }, async () => {
    const folder = testFolder();
    const original = await filledStore(folder, false);
    const size = statSync(original).size;
    const step = slow ? 997 : Math.ceil(size / 16);
    let best = 0;
    for (let cut = 1; cut < size; cut += step) {
      const file = join(folder, `cut-${cut}.db`);
      cpSync(original, file);
      truncateSync(file, cut);
      const { known, notices } = await useDamaged(file);
      expect(notices.length, `cut at ${cut}`).toBeGreaterThan(0);
      best = Math.max(best, known);
    }
    expect(best).toBeGreaterThan(0);
  });

  it('drops only the last commits when the write-ahead log is cut', { timeout: 600_000 }, async () => {
    const folder = testFolder();
    const original = await filledStore(folder, true);
    const size = statSync(`${original}-wal`).size;
    let fewest = 60;
    for (let back = 0; back < size; back += slow ? 1_031 : Math.ceil(size / 16)) {
      const file = join(folder, `wal-${back}.db`);
      for (const part of ['', '-wal']) cpSync(original + part, file + part);
      truncateSync(`${file}-wal`, size - back);
      const { known } = await useDamaged(file);
      if (back === 0) expect(known).toBe(60);
      fewest = Math.min(fewest, known);
    }
    expect(fewest).toBeLessThan(60);
  });

  it('survives flipped bits anywhere and never accepts a changed byte as data', { timeout: 600_000 }, async () => {
    const folder = testFolder();
    const original = readFileSync(await filledStore(folder, false));
    const header = Array.from({ length: 110 }, (_, offset) => offset);
    const elsewhere = Array.from({ length: slow ? 1_000 : 40 }, (_, n) => (n * 48_271 + 113) % original.length);
    for (const offset of [...(slow ? header : header.filter((at) => at % 7 === 4)), ...elsewhere]) {
      const file = join(folder, `flip.db`);
      for (const part of ['', '-wal', '-shm']) if (existsSync(file + part)) truncateSync(file + part, 0);
      const bytes = Buffer.from(original);
      bytes.writeUInt8((bytes[offset] ?? 0) ^ (1 << (offset % 8)), offset);
      writeFileSync(file, bytes);
      const { known, notices } = await useDamaged(file);
      expect(known === 60 || notices.length > 0, `silent loss at ${offset}`).toBe(true);
      // Only a flip in the first page, which contains the names of the tables, may cost all requests.
      expect(known > 0 || (offset >= 100 && offset < 4096), `everything lost at ${offset}`).toBe(true);
    }
  });

  it('finds damage that SQLite does not check for: the version, and the text of the schema', async () => {
    const folder = testFolder();
    const original = await filledStore(folder, false);
    for (const [name, sql] of [
      ['newer', 'PRAGMA user_version = 4097'],
      ['zero', 'PRAGMA user_version = 0'],
      ['schema', "PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = replace(sql, 'phase', 'phasf')"],
    ] as const) {
      const file = join(folder, `${name}.db`);
      cpSync(original, file);
      const db = new DatabaseSync(file);
      // node:sqlite is "defensive" where possible, and then forbids what this test needs.
      if ('enableDefensive' in db) db.enableDefensive(false);
      db.exec(sql);
      db.close();
      const { known, notices } = await useDamaged(file);
      expect(notices.join(' '), name).toContain('was damaged');
      if (name !== 'schema') expect(known, name).toBe(60);
    }
  });
});
