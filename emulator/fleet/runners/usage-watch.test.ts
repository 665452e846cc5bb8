import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createUsageWatch, type RunnerUsage } from './usage-watch.ts';

/** A watch over runners whose process IDs are these; `next` makes it measure once more. */
function watch(pids: readonly number[]) {
  vi.useFakeTimers();
  const bugs: unknown[] = [];
  const state = { pids, failing: false, measured: 0, processes: 1, checkMs: 0, cpuSeconds: 0 };
  const reported: [id: string, RunnerUsage][][] = [];
  const usage = createUsageWatch({
    runners: () => state.pids.map((pid) => ({ id: `runner-${pid}`, pid })),
    async usages(mains) {
      state.measured += 1;
      if (state.failing) throw new Error('no /proc');
      const cpuOf = (own: number) => ({ own, children: 0 });
      const others = Array.from(
        { length: state.processes - mains.length },
        (_, at) => [10_000 + at, cpuOf(0)] as const,
      );
      return {
        of: new Map(mains.map((pid) => [pid, { pids: [pid], residentBytes: 1_000 * pid }])),
        cpu: new Map([...mains.map((pid) => [pid, cpuOf(state.cpuSeconds)] as const), ...others]),
        atMs: performance.now(),
      };
    },
    async check() {
      if (state.checkMs > 0) await new Promise((resolve) => setTimeout(resolve, state.checkMs));
      return state.checkMs;
    },
    onUsage: (usages) => reported.push([...usages]),
    report: (error) => bugs.push(error),
  });
  onTestFinished(() => {
    usage.close();
    vi.useRealTimers();
  });
  usage.begin();
  return { state, usage, bugs, reported, next: () => vi.advanceTimersByTimeAsync(1_000) };
}

/** The numbers of measurements after each of so many seconds. */
async function countsOf({ state, next }: ReturnType<typeof watch>, seconds: number): Promise<readonly number[]> {
  const counts = [];
  for (let second = 1; second <= seconds; second += 1) {
    await next();
    counts.push(state.measured);
  }
  return counts;
}

describe('what runners use', () => {
  it('is known after a second, and the CPU after two', async () => {
    const { state, usage, reported, next } = watch([7, 8]);
    expect(usage.of('runner-7')).toBeUndefined();
    await next();
    expect(usage.of('runner-7')).toEqual({ residentBytes: 7_000 });
    state.cpuSeconds = 1.5;
    await next();
    expect(usage.of('runner-8')).toEqual({ residentBytes: 8_000, cores: 1.5 });
    state.pids = [8];
    await next();
    expect([usage.of('runner-7'), usage.of('runner-8')?.cores]).toEqual([undefined, 0]);
    expect(reported.map((usages) => usages.map(([id]) => id))).toEqual([
      ['runner-7', 'runner-8'],
      ['runner-7', 'runner-8'],
      ['runner-8'],
    ]);
  });

  it('is no longer measured after the last runner, and again with the next one', async () => {
    const { state, usage, next } = watch([7]);
    await next();
    state.pids = [];
    await next();
    expect([state.measured, vi.getTimerCount(), usage.of('runner-7')]).toEqual([2, 0, undefined]);
    state.pids = [7];
    usage.begin();
    usage.begin();
    await next();
    expect([state.measured, vi.getTimerCount(), usage.of('runner-7')]).toEqual([3, 1, { residentBytes: 7_000 }]);
  });

  it('is measured on after an error', async () => {
    const { state, usage, bugs, next } = watch([7]);
    state.failing = true;
    await next();
    state.failing = false;
    await next();
    expect([bugs, usage.of('runner-7')]).toEqual([[new Error('no /proc')], { residentBytes: 7_000 }]);
  });

  it('is measured more rarely the more processes there are', async () => {
    const watched = watch([7]);
    watched.state.processes = 1_500;
    expect(await countsOf(watched, 7)).toEqual([1, 1, 1, 2, 2, 2, 3]);
  });

  it('is measured more rarely the longer the check takes', async () => {
    const watched = watch([7]);
    watched.state.checkMs = 250;
    expect(await countsOf(watched, 12)).toEqual([1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3]);
  });

  it('is not measured after the end of the emulator', async () => {
    const { state, usage, next } = watch([7]);
    usage.close();
    usage.begin();
    await next();
    expect(state.measured).toBe(0);
  });
});
