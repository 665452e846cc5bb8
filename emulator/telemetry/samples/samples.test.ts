import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { DiskTrouble } from '../../local/disk-trouble.ts';
import { testFolder } from '../../store/testing/folder.ts';
import { hour, minute, openSampleRecords, type SampleRecords, tenSeconds } from './records.ts';
import { createSamples } from './samples.ts';

const start = Date.parse('2026-01-01T00:00:00Z');
const second = 1_000;

beforeEach(() => {
  vi.useFakeTimers({ now: start });
  return () => void vi.useRealTimers();
});

/** The room on a file; `refusing`: the disk accepts nothing. */
function room(file = join(testFolder(), 'samples.db')) {
  const state = { refusing: false, added: 0 };
  const bugs: unknown[] = [];
  const onDisk = openSampleRecords(file);
  const records: SampleRecords = {
    ...onDisk,
    add(rows) {
      if (state.refusing) throw new DiskTrouble('full', file);
      state.added += rows.length;
      onDisk.add(rows);
    },
  };
  const samples = createSamples({ records, clock: Date.now, report: (error) => void bugs.push(error) });
  let isOpen = true;
  const close = (): void => {
    if (isOpen) samples.close();
    isOpen = false;
  };
  onTestFinished(close);
  /** Measures these runners each second. */
  async function measure(seconds: number, ...runners: readonly string[]): Promise<void> {
    for (let n = 0; n < seconds; n++) {
      const sample = { at: Date.now(), cores: 1, memoryBytes: 1024 * (n + 1) };
      samples.add(runners.map((runnerId) => ({ runnerId, sample })));
      await vi.advanceTimersByTimeAsync(second);
    }
  }
  const read = (runnerId: string, stepMs: number, from = 0, to = Number.MAX_SAFE_INTEGER) =>
    samples.read(runnerId, { from, to, stepMs });
  return { file, samples, state, bugs, measure, read, close, onDisk };
}

describe('samples of runners', () => {
  it('are those of each second, of the last 15 minutes', async () => {
    const { measure, read } = room();
    await measure(1_000, 'a');
    const found = read('a', second);
    expect([found.length, found[0]?.at, found.at(-1)?.at]).toEqual([900, start + 100 * second, start + 999 * second]);
    expect(read('a', second, start + 500 * second, start + 510 * second)).toHaveLength(10);
    expect(read('b', second)).toEqual([]);
  });

  it('are of longer steps without a gap, whether they are on disk or not yet', async () => {
    const { measure, read, state, onDisk } = room();
    await measure(155, 'a');
    expect(state.added).toBe(2);
    expect(onDisk.tens('a', 0, 2 * start)).toHaveLength(12);
    const tens = read('a', tenSeconds);
    expect(tens.map(({ at }) => (at - start) / second)).toEqual(Array.from({ length: 16 }, (_, n) => 10 * n));
    expect(tens[3]).toEqual({ at: start + 30 * second, cores: 1, memoryBytes: 40 * 1024 });
    expect(read('a', minute).map(({ memoryBytes }) => memoryBytes / 1024)).toEqual([60, 120, 155]);
    expect(read('a', minute, start + 61 * second).map(({ at }) => at - start)).toEqual([minute, 2 * minute]);
  });

  it('are on disk soon after their runner has ended, and no longer in memory after 15 minutes', async () => {
    const { measure, read, onDisk } = room();
    await measure(5, 'a');
    await vi.advanceTimersByTimeAsync(3 * minute);
    expect(onDisk.tens('a', 0, 2 * start)).toHaveLength(1);
    expect([read('a', second).length, read('a', tenSeconds).length]).toEqual([5, 1]);
    await vi.advanceTimersByTimeAsync(15 * minute);
    expect([read('a', second).length, read('a', tenSeconds).length, vi.getTimerCount()]).toEqual([0, 1, 0]);
  });

  it('are there after a restart, from 10 s on', async () => {
    const before = room();
    await before.measure(75, 'a');
    before.close();
    const after = room(before.file);
    expect([after.read('a', second), after.read('a', tenSeconds).length]).toEqual([[], 8]);
  });

  it('wait for a disk that accepts nothing, and are no bug', async () => {
    const { measure, state, bugs, read, onDisk } = room();
    state.refusing = true;
    await measure(200, 'a');
    expect([onDisk.tens('a', 0, 2 * start), read('a', tenSeconds).length]).toEqual([[], 20]);
    state.refusing = false;
    await measure(100, 'a');
    expect([onDisk.tens('a', 0, 2 * start).length, bugs]).toEqual([30, []]);
  });

  it('are in order after the clock was set back, and none is lost', async () => {
    const { measure, read } = room();
    await measure(30, 'a');
    vi.setSystemTime(start - 60 * second);
    await measure(20, 'a');
    expect(read('a', tenSeconds).map(({ at }) => (at - start) / second)).toEqual([-60, -50, 0, 10, 20]);
    expect(read('a', second)).toHaveLength(20);
  });

  it('of very many runners are not all in memory', async () => {
    const { measure, read, onDisk } = room();
    for (let n = 0; n < 510; n++) await measure(1, `runner-${n}`);
    expect([read('runner-9', second), onDisk.tens('runner-9', 0, 2 * start).length]).toEqual([[], 1]);
    expect(read('runner-10', second)).toHaveLength(1);
  });

  it('are minutes after a day, and are gone after a week', async () => {
    const { samples, read, onDisk } = room();
    onDisk.add([{ runnerId: 'a', samples: [{ at: start, memoryBytes: 1024 }] }]);
    await samples.prune(start + 24 * hour);
    expect(read('a', tenSeconds)).toHaveLength(1);
    await samples.prune(start + 26 * hour);
    expect([read('a', tenSeconds), read('a', minute).length]).toEqual([[], 1]);
    await samples.prune(start + 8 * 24 * hour);
    expect(read('a', minute)).toEqual([]);
  });
});
