import { readdirSync, readlinkSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createCheckpoints } from './checkpoints.ts';
import { openStore } from './open.ts';
import { testFolder } from './testing/folder.ts';

const migrations = [{ name: 'things', statements: ['CREATE TABLE things (id INTEGER PRIMARY KEY, body TEXT)'] }];

/** A store, and reports of bugs of its checkpoints. */
function open(file = join(testFolder(), 'store.db'), start?: () => Worker) {
  const reports: unknown[] = [];
  const checkpoints = createCheckpoints((error) => void reports.push(error), start);
  onTestFinished(() => checkpoints.close());
  const store = openStore(file, { migrations, synchronous: 'FULL', checkpoints });
  const add = (count: number, body = 'x') => {
    for (let i = 0; i < count; i++)
      store.transaction(() => store.sql('INSERT INTO things (body) VALUES (?)').run(body));
  };
  /** What the file has without its write-ahead log. */
  const bytes = () => statSync(file).size;
  return { file, store, add, bytes, reports };
}

/** Empty: it was closed meanwhile. */
function readlinkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

it('copies many commits into the file on the thread, while the store is written to', async () => {
  const { store, add, bytes, reports } = open();
  const before = bytes();
  add(99, 'x'.repeat(5_000));
  expect(bytes()).toBe(before);
  add(1);
  await vi.waitUntil(() => bytes() > before + 99 * 5_000);
  add(100);
  expect(store.sql('SELECT count(*) AS count FROM things').get()).toEqual({ count: 200 });
  expect(reports).toEqual([]);
  store.close();
});

it('keeps at most one descriptor for the next copy', async () => {
  const { file, store, add, bytes } = open();
  const own = () =>
    readdirSync('/proc/self/fd').filter((fd) => readlinkOf(`/proc/self/fd/${fd}`).startsWith(file)).length;
  const before = own();
  for (let round = 1; round <= 5; round++) {
    add(100, 'x'.repeat(1_000));
    await vi.waitUntil(() => bytes() > round * 100_000);
    await vi.waitUntil(() => own() <= before + 1);
  }
  store.close();
});

it('copies a large commit, though it is one', async () => {
  const { store, add, bytes } = open();
  add(1, 'x'.repeat(5_000_000));
  await vi.waitUntil(() => bytes() > 5_000_000);
  store.close();
});

it('keeps the write-ahead log short, although commits come without a pause', () => {
  const { file, store, add } = open();
  const size = () => statSync(`${file}-wal`).size;
  // No turn of the event loop in between: the end of a checkpoint can't be noticed.
  const sizes = [0];
  while (sizes.length < 200 && size() >= (sizes.at(-1) ?? 0)) {
    sizes.push(size());
    add(1, 'x'.repeat(1_000_000));
  }
  expect(sizes.length).toBeLessThan(200);
  store.close();
});

it('leaves the file alone when the store is closed, also in the middle of a checkpoint', () => {
  for (let i = 0; i < 3; i++) {
    const { file, store, add } = open();
    add(100, 'x'.repeat(10_000));
    store.close();
    expect(statSync(`${file}-wal`, { throwIfNoEntry: false })).toBeUndefined();
    const again = open(file);
    expect(again.store.sql('SELECT count(*) AS count FROM things').get()).toEqual({ count: 100 });
    again.store.close();
  }
});

it('does not touch another file that took the place of the store', async () => {
  const { file, store, add } = open();
  const other = open();
  add(1);
  other.add(1);
  other.store.close();
  for (const part of ['', '-wal', '-shm']) rmSync(file + part);
  renameSync(other.file, file);
  const { mtimeMs } = statSync(file);
  expect(() => add(100)).toThrow('deleted');
  store.close();
  expect(statSync(file).mtimeMs).toBe(mtimeMs);
});

it('commits although no thread can be started, and reports it once', () => {
  // As in a system without a free thread: the constructor throws.
  const none = () => new Worker('', { eval: true, execArgv: ['--no-such-option'] });
  const { store, add, reports } = open(undefined, none);
  add(30);
  expect(store.sql('SELECT count(*) AS count FROM things').get()).toEqual({ count: 30 });
  expect(reports).toHaveLength(1);
  store.close();
});

it('commits and closes although the program of the thread is missing', async () => {
  const { file, store, add, reports } = open(undefined, () => new Worker(new URL('./missing.mjs', import.meta.url)));
  add(100);
  await vi.waitUntil(() => reports.length > 0);
  add(100);
  store.close();
  expect(reports).toHaveLength(1);
  expect(statSync(`${file}-wal`, { throwIfNoEntry: false })).toBeUndefined();
});
