import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openStore } from '../../store/open.ts';
import { testFolder } from '../../store/testing/folder.ts';
import { hour, minute, openSampleRecords, type SampleRow, tenSeconds } from './records.ts';
import { sampleMigrations } from './tables.ts';

const day = 24 * hour;
const start = Date.parse('2026-01-01T00:00:00Z');

function opened(...args: Parameters<typeof openSampleRecords> extends [string, ...infer Rest] ? Rest : never) {
  const file = join(testFolder(), 'samples.db');
  const records = openSampleRecords(file, ...args);
  onTestFinished(() => records.close());
  return { file, records };
}

/** What a runner used in a minute: `value` cores, bytes, and so on. */
function row(runnerId: string, at: number, value = 1, count = 6): SampleRow {
  const samples = Array.from({ length: count }, (_, n) => ({
    ...{ at: at + n * tenSeconds, cores: value, memoryBytes: value * 1024 },
  }));
  return { runnerId, samples };
}

const timesOf = (samples: readonly { readonly at: number }[]) => samples.map(({ at }) => at);

describe('what runners used, on disk', () => {
  it('is found by runner and time, to the sample', () => {
    const { records } = opened();
    records.add([row('a', start), row('b', start), row('a', start + minute)]);
    const found = records.tens('a', start + 2 * tenSeconds, start + minute + tenSeconds);
    expect(timesOf(found)).toEqual([2, 3, 4, 5, 6].map((n) => start + n * tenSeconds));
    expect([records.tens('c', 0, start * 2), records.minutes('a', 0, start * 2)]).toEqual([[], []]);
  });

  it('is there after a restart', () => {
    const file = join(testFolder(), 'samples.db');
    const before = openSampleRecords(file);
    before.add([row('a', start)]);
    before.close();
    const records = openSampleRecords(file);
    onTestFinished(() => records.close());
    expect([records.tens('a', 0, start * 2).length, records.notices()]).toEqual([6, []]);
  });

  it('is that of minutes when it is old, each once, and is dropped later', () => {
    const { records } = opened();
    for (let at = start; at < start + 2 * hour; at += minute) records.add([row('a', at, 2), row('b', at)]);
    let calls = 0;
    while (records.condenseBefore(start + hour, 50) === 50) calls++;
    expect(calls).toBe(2);
    expect(records.tens('a', 0, start * 2)).toHaveLength(360);
    const minutes = records.minutes('a', start, start + hour);
    expect([...timesOf(minutes)].sort()).toEqual(Array.from({ length: 60 }, (_, n) => start + n * minute));
    expect(minutes[7]).toMatchObject({ cores: 2, memoryBytes: 2048 });
    while (records.dropBefore(start + hour, 2) === 2);
    expect([records.minutes('a', 0, start * 2), records.condenseBefore(start + hour, 50)]).toEqual([[], 0]);
  });

  it('is a row for each hour, in however many calls it is condensed', () => {
    const { records } = opened();
    for (let at = start; at < start + hour; at += minute) records.add([row('a', at), row('b', at, 2, 5)]);
    while (records.condenseBefore(start + hour, 7) === 7);
    expect(timesOf(records.minutes('a', 0, start * 2))).toEqual(
      Array.from({ length: 60 }, (_, n) => start + n * minute),
    );
    expect(records.minutes('b', 0, start * 2)[59]).toEqual({ at: start + 59 * minute, cores: 2, memoryBytes: 2048 });
    expect(records.dropBefore(start + day, 50)).toBe(2);
  });

  it('has a limited number of rows, and none is kept whose clock was wrong', () => {
    const { records } = opened({ tens: 3, minutes: 1 });
    records.add([row('future', start + 900 * day)]);
    for (let n = 0; n < 5; n++) records.add([row('a', start + n * minute)]);
    expect(records.condenseBefore(start - day, 50)).toBe(3);
    expect(timesOf(records.tens('a', 0, start * 2))).toHaveLength(18);
    expect(records.tens('future', 0, start * 100)).toEqual([]);
  });

  it.each(['samples', 'at', 'runner_id'])('is missing if its %s was changed', (column) => {
    const file = join(testFolder(), 'samples.db');
    const before = openSampleRecords(file);
    before.add([row('a', start), row('a', start + minute)]);
    before.close();
    const store = openStore(file, { migrations: sampleMigrations, synchronous: 'NORMAL' });
    const changes: { readonly [column: string]: string } = {
      samples: 'UPDATE tens SET samples = zeroblob(37) WHERE number = 1',
      at: 'UPDATE tens SET at = at + 1 WHERE number = 1',
      runner_id: "UPDATE tens SET runner_id = 'b' WHERE number = 1",
    };
    store.sql(changes[column] ?? '').run();
    store.close();
    const records = openSampleRecords(file);
    onTestFinished(() => records.close());
    expect(records.tens('a', 0, start * 2)).toHaveLength(6);
    expect(records.tens('b', 0, start * 2)).toEqual([]);
    expect(records.condenseBefore(start + day, 50)).toBe(2);
    expect(records.minutes('a', 0, start * 2)).toHaveLength(1);
  });
});

describe('50 busy runners with a GPU', () => {
  /** The bytes on disk at the end of each day. */
  function sizes(days: number): readonly number[] {
    const { file, records } = opened();
    const runners = Array.from({ length: 50 }, () => crypto.randomUUID());
    const value = (max: number) => Math.random() * max;
    const random = (at: number) => ({
      ...{ at, cores: value(4), memoryBytes: value(4e10) },
      ...{ gpuUtilization: value(100), gpuMemoryBytes: value(8e10), powerWatts: value(700) },
    });
    const samplesAt = (at: number) => [0, 1, 2, 3, 4, 5].map((n) => random(at + n * tenSeconds));
    return Array.from({ length: days }, (_, number) => {
      for (let at = start + number * day; at < start + (number + 1) * day; at += minute) {
        records.add(runners.map((runnerId) => ({ runnerId, samples: samplesAt(at) })));
        if (at % hour !== 0) continue;
        while (records.condenseBefore(at - day, 500) === 500);
        while (records.dropBefore(at - 7 * day - hour, 500) === 500);
      }
      return statSync(file).size + statSync(`${file}-wal`).size;
    });
  }

  it.each(process.env.MINIFAL_SLOW ? [10] : [1])('need less than 50 MB in all in %i days', (days) => {
    for (const bytes of sizes(days)) expect(bytes).toBeLessThan(50e6);
  });
});
