import { describe, expect, it } from 'vitest';
import type { ChangeListener } from '../../../fleet/types.ts';
import { createPositions } from './positions.ts';

/** Places of a fleet that changes when the test triggers it, on a clock that the test advances. */
function setUp() {
  const followers = new Set<ChangeListener>();
  const timers = new Map<() => void, number>();
  const reported: unknown[] = [];
  let now = 0;
  const positions = createPositions({
    follow(listener) {
      followers.add(listener);
      return () => void followers.delete(listener);
    },
    restMs: 1_000,
    report: (error) => void reported.push(error),
    later(delayMs, run) {
      timers.set(run, now + delayMs);
      return () => void timers.delete(run);
    },
    clock: () => now,
  });
  return {
    positions,
    followers,
    reported,
    pending: () => [...timers.values()],
    change(...apps: readonly string[]): void {
      for (const follower of followers) follower({ apps: new Set(apps), runners: new Set() });
    },
    async advance(ms: number): Promise<void> {
      now += ms;
      for (const [run, at] of timers) {
        if (at > now) continue;
        timers.delete(run);
        run();
      }
      await new Promise(setImmediate);
    },
  };
}

describe('the positions in a queue', () => {
  it('are checked after a change, without a timer while nothing changes', async () => {
    const { positions, change, advance, pending } = setUp();
    let calls = 0;
    positions.watch('app', () => calls++);
    await advance(3_600_000);
    change('other');
    expect([calls, pending()]).toEqual([0, []]);
    change('app');
    expect(calls, 'not in the turn of the event').toBe(0);
    await advance(0);
    expect([calls, pending()]).toEqual([1, []]);
    await advance(3_600_000);
    expect([calls, pending()]).toEqual([1, []]);
  });

  it('that change all the time are checked at intervals, and once more after the last change', async () => {
    const { positions, change, advance, pending } = setUp();
    let calls = 0;
    positions.watch('app', () => calls++);
    for (let ms = 0; ms < 2_500; ms += 100) {
      for (let n = 0; n < 50; n++) change('app');
      await advance(0);
      await advance(100);
    }
    expect([calls, pending().length]).toEqual([3, 1]);
    await advance(1_000);
    expect([calls, pending()]).toEqual([4, []]);
  });

  it('cost the same per event with one watcher and a thousand', () => {
    const { positions, change, followers, pending } = setUp();
    for (let n = 0; n < 1_000; n++) positions.watch('app', () => undefined);
    change('app');
    expect([followers.size, pending().length]).toEqual([1, 1]);
  });

  it('are not checked after the last watcher has left', async () => {
    const { positions, change, advance, followers, pending } = setUp();
    let calls = 0;
    const leave = [positions.watch('app', () => calls++), positions.watch('app', () => calls++)];
    change('app');
    leave[0]?.();
    await advance(0);
    expect([calls, followers.size]).toEqual([1, 1]);
    change('app');
    leave[1]?.();
    leave[1]?.();
    expect([followers.size, pending()]).toEqual([0, []]);
    positions.watch('app', () => calls++);
    change('app');
    await advance(0);
    expect(calls).toBe(2);
  });

  it('are seen by all watchers, although one of them throws or leaves in the meantime', async () => {
    const { positions, change, advance, reported } = setUp();
    const looked: string[] = [];
    positions.watch('app', () => {
      leaveEarly();
      throw new Error('a bug of one stream');
    });
    const leaveEarly = positions.watch('app', () => looked.push('left'));
    positions.watch('app', () => looked.push('stays'));
    change('app');
    await advance(0);
    expect([looked, reported.length]).toEqual([['stays'], 1]);
  });
});
