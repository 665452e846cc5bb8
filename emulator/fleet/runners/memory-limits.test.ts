import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Usages } from '../../local/processes/usage.ts';
import type { MachineLimitMode } from '../../wire/machine-limits.ts';
import { createMemoryLimits, type Measured } from './memory-limits.ts';

const mib = 1024 * 1024;

/** A watch over these runners; `next` makes it measure once more. */
function watch(
  mode: MachineLimitMode,
  runners: readonly (Measured & { readonly own: number; readonly all?: number })[],
) {
  vi.useFakeTimers();
  const news: string[] = [];
  const state = { runners, failing: false, measured: 0, processes: 1, exactMs: 0 };
  const byPid = (pid: number | undefined) => state.runners.find((one) => one.pid === pid);
  const limits = createMemoryLimits({
    mode,
    runners: () => state.runners,
    async usages(mains): Promise<Usages> {
      state.measured += 1;
      if (state.failing) throw new Error('no /proc');
      const found = mains.flatMap((pid) => byPid(pid) ?? []);
      const usages = found.map(({ pid, own, all = own }) => [pid, { pids: [pid], residentBytes: all * mib }] as const);
      return { of: new Map(usages), processes: state.processes };
    },
    async memoryBeyond([pid], limit) {
      if (state.exactMs > 0) await new Promise((resolve) => setTimeout(resolve, state.exactMs));
      const own = (byPid(pid)?.own ?? 0) * mib;
      return own > limit ? own : undefined;
    },
    warn: (id, text) => news.push(`warn ${id}: ${text}`),
    end: (id, reason) => news.push(`end ${id}: ${reason}`),
    report: (error) => news.push(`bug: ${error instanceof Error ? error.message : error}`),
  });
  onTestFinished(() => {
    limits.close();
    vi.useRealTimers();
  });
  limits.begin();
  return { state, limits, news, next: () => vi.advanceTimersByTimeAsync(1_000) };
}

function runner(machineType: string, own: number, more: { readonly all?: number; readonly gpuSlots?: number } = {}) {
  return { id: 'r', pid: 7, machineType, gpuSlots: 0, own, ...more };
}

describe('a runner that uses more memory than its machine type has', () => {
  it.each([
    [
      runner('XS', 700),
      'This app uses 700 MB of memory; XS has 512 MB, and the cloud would have ended it. ' +
        'Set machine_type = "S" (1 GB).',
    ],
    [
      runner('S', 1_600),
      'This app uses 1.6 GB of memory; S has 1 GB, and the cloud would have ended it. Set machine_type = "M" (2 GB).',
    ],
    [runner('XL', 40_000), 'This app uses 39.1 GB of memory; XL has 30 GB, and the cloud would have ended it.'],
    [
      runner('GPU-A6000', 20_000),
      'This app uses 19.6 GB of memory; GPU-A6000 has 18 GB, and the cloud would have ended it. ' +
        'Set machine_type = "GPU-RTX4090" (48 GB).',
    ],
    [
      runner('GPU-A6000', 80_000, { gpuSlots: 4 }),
      'This app uses 78.2 GB of memory; GPU-A6000 has 72 GB, and the cloud would have ended it. ' +
        'Set machine_type = "GPU-RTX4090" (192 GB).',
    ],
    [
      runner('GPU-A6000', 300_000, { gpuSlots: 8 }),
      'This app uses 293 GB of memory; GPU-A6000 has 144 GB, and the cloud would have ended it. ' +
        'Set machine_type = "GPU-RTX4090" (384 GB).',
    ],
    // Not "1 GB, and S has 1 GB".
    [
      runner('S', 1_030),
      'This app uses 1.1 GB of memory; S has 1 GB, and the cloud would have ended it. Set machine_type = "M" (2 GB).',
    ],
    [
      runner('XS', 512.2),
      'This app uses 513 MB of memory; XS has 512 MB, and the cloud would have ended it. ' +
        'Set machine_type = "S" (1 GB).',
    ],
  ])('is warned once: %j', async (one, text) => {
    const { news, next } = watch('warn', [one]);
    await next();
    await next();
    expect(news).toEqual([`warn r: ${text}`]);
  });

  it('is ended if the limits are enforced', async () => {
    const { news, next } = watch('enforce', [runner('XS', 700)]);
    await next();
    expect(news).toEqual(['end r: Out of memory: it used 700 MB, and XS has 512 MB. Set machine_type = "S" (1 GB).']);
  });

  it.each([
    ['it shares the rest', runner('XS', 500, { all: 900 })],
    ['it has less', runner('XS', 512)],
    ['it has several GPUs, with the memory of several machines', runner('GPU-A6000', 20_000, { gpuSlots: 2 })],
    ['the memory of its type is not documented', runner('GPU-T4', 900_000)],
  ])('is left alone if %s', async (_, one) => {
    const { news, next } = watch('enforce', [one]);
    await next();
    expect(news).toEqual([]);
  });

  it('may be the only one of several', async () => {
    const { news, next } = watch('enforce', [runner('XS', 100), { ...runner('XS', 600), id: 'other', pid: 8 }]);
    await next();
    expect(news.map((text) => text.split(':')[0])).toEqual(['end other']);
  });
});

describe('measuring', () => {
  it('is off with the limits', async () => {
    const { state, next } = watch('off', [runner('XS', 700)]);
    await next();
    expect([state.measured, vi.getTimerCount()]).toEqual([0, 0]);
  });

  it('ends with the last runner, and begins again with the next one', async () => {
    const { state, limits, next } = watch('warn', [runner('XS', 100)]);
    await next();
    state.runners = [];
    await next();
    expect([state.measured, vi.getTimerCount()]).toEqual([2, 0]);
    state.runners = [runner('XS', 100)];
    limits.begin();
    limits.begin();
    await next();
    expect([state.measured, vi.getTimerCount()]).toEqual([3, 1]);
  });

  it('continues after an error', async () => {
    const { state, news, next } = watch('warn', [runner('XS', 700)]);
    state.failing = true;
    await next();
    state.failing = false;
    await next();
    expect(news).toEqual(['bug: no /proc', expect.stringMatching('^warn r')]);
  });

  it('is rarer the more processes there are', async () => {
    const { state, next } = watch('warn', [runner('XS', 100)]);
    state.processes = 1_500;
    const counts = [];
    for (let second = 1; second <= 7; second += 1) {
      await next();
      counts.push(state.measured);
    }
    expect(counts).toEqual([1, 1, 1, 2, 2, 2, 3]);
  });

  it('is rarer the longer the exact figures take', async () => {
    const { state, next } = watch('warn', [runner('XS', 500, { all: 900 })]);
    state.exactMs = 250;
    const counts = [];
    for (let second = 1; second <= 12; second += 1) {
      await next();
      counts.push(state.measured);
    }
    expect(counts).toEqual([1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3]);
  });

  it('stops with the emulator', async () => {
    const { state, limits, next } = watch('warn', [runner('XS', 100)]);
    limits.close();
    limits.begin();
    await next();
    expect(state.measured).toBe(0);
  });
});
