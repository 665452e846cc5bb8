import { closeSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openStore } from '../../store/open.ts';
import { testFolder } from '../../store/testing/folder.ts';
import { openHistoryRecords } from './records.ts';
import { historyMigrations } from './tables.ts';
import type { TracedRequest } from './types.ts';

const request = (number: number, change: Partial<TracedRequest> = {}): TracedRequest => ({
  number,
  id: `q-${number}`,
  alias: 'app',
  kind: 'direct',
  method: 'POST',
  path: '/',
  phase: 'COMPLETED',
  submittedAt: 1_000,
  startedAt: 1_000,
  completedAt: 2_000,
  attempts: 1,
  runner: { id: 'r-1', number: 1 },
  revision: 'r1',
  coldMs: null,
  status: 200,
  error: null,
  history: [],
  ...change,
});

describe('the history of requests on disk', () => {
  it.each([1, 15, 16, 17, 100])('has each of %i requests that were put together, as the last of them is', (count) => {
    const records = openHistoryRecords(join(testFolder(), 'history.db'));
    const open = { phase: 'IN_PROGRESS', completedAt: null } as const;
    records.put(
      Array.from({ length: count }, (_, n) => request(n + 1, open)),
      [],
    );
    expect(records.open().map(({ number }) => number)).toEqual(Array.from({ length: count }, (_, n) => n + 1));
    records.put(
      Array.from({ length: count }, (_, n) => request(n + 1, { status: 500 + n })),
      [],
    );
    expect([records.open(), records.finished()]).toEqual([[], count]);
    expect(records.get(`${count}`)).toEqual(request(count, { status: 499 + count }));
    records.close();
  });

  /** More than a start checks: 12 MB. */
  function large() {
    const file = join(testFolder(), 'history.db');
    const records = openHistoryRecords(file);
    const all = Array.from({ length: 12_000 }, (_, n) => request(n + 1, { path: `/${'x'.repeat(700)}` }));
    records.put([...all, request(12_001, { phase: 'IN_PROGRESS', completedAt: null })], []);
    records.close();
    return file;
  }

  function overwrite(file: string, from: number, bytes: number): void {
    const fd = openSync(file, 'r+');
    writeSync(fd, Buffer.alloc(bytes, 0xa5), 0, bytes, from);
    closeSync(fd);
  }

  it('is not read as a whole at a start', () => {
    const file = large();
    const page = 4_096;
    const at = readFileSync(file).indexOf('"id":"q-6000"');
    overwrite(file, at - (at % page), page);
    const records = openHistoryRecords(file);
    expect(records.notices()).toEqual([]);
    expect([records.finished(), records.lastNumber(), records.open().length]).toEqual([12_000, 12_001, 1]);
    expect(records.get('12000')).toMatchObject({ status: 200 });
    records.close();
  });

  it('is saved as far as possible if what a start reads is damaged', () => {
    const file = large();
    overwrite(file, statSync(file).size - 1024 ** 2, 1024 ** 2);
    const records = openHistoryRecords(file);
    expect(records.notices()).toEqual([expect.stringContaining('Dropped: unreadable parts of requests.')]);
    expect(records.get('1')).toMatchObject({ number: 1 });
    records.close();
  });

  it('that an earlier minifal wrote is kept', () => {
    const file = join(testFolder(), 'history.db');
    const earlier = openStore(file, { migrations: historyMigrations.slice(0, 1), synchronous: 'NORMAL' });
    const [done, open] = [request(1), request(2, { phase: 'IN_QUEUE' })];
    for (const [one, state] of [[done, 1] as const, [open, 0] as const]) {
      const values = [one.number, one.id, one.alias, state, one.completedAt, JSON.stringify(one)];
      earlier.sql('INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?)').run(...values);
    }
    earlier.close();
    const records = openHistoryRecords(file);
    expect(records.notices()).toEqual([]);
    expect([records.finished(), records.open(), records.lastFinished(5)]).toEqual([1, [open], [done]]);
    records.close();
  });
});
