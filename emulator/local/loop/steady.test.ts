import { describe, expect, it } from 'vitest';
import { createSteady } from './steady.ts';

const start = Date.parse('2026-01-02T03:04:05Z');
const hours = 60 * 60 * 1000;

function setUp() {
  const clocks = { wall: start, monotonic: 5_000 };
  const steady = createSteady(
    () => clocks.wall,
    () => clocks.monotonic,
  );
  /** Looks at the clock once a second, as the emulator does. */
  const live = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      clocks.wall += 1_000;
      clocks.monotonic += 1_000;
      steady.now();
    }
  };
  return { clocks, steady, live };
}

describe('steady time', () => {
  it('starts at the wall clock and advances with it', () => {
    const { steady, live } = setUp();
    expect([steady.now(), steady.ahead()]).toEqual([start, 0]);
    live(3 * hours);
    expect([steady.now(), steady.ahead()]).toEqual([start + 3 * hours, 0]);
  });

  it.each([2 * hours, -2 * hours])(
    'does not jump with the wall clock (%d ms), and knows how far that is ahead',
    (jump) => {
      const { clocks, steady, live } = setUp();
      live(5_000);
      clocks.wall += jump;
      live(5_000);
      expect([steady.now(), steady.ahead()]).toEqual([start + 10_000, jump]);
    },
  );

  it.each([
    ['does not count', 0],
    ['counts', 2 * hours],
  ])('does not move while the machine sleeps, where the system %s that', (_name, counted) => {
    const { clocks, steady, live } = setUp();
    live(5_000);
    clocks.wall += 2 * hours;
    clocks.monotonic += counted;
    live(5_000);
    expect(steady.now() - start).toBeGreaterThanOrEqual(9_000);
    expect(steady.now() - start).toBeLessThanOrEqual(10_000);
    expect(steady.now() + steady.ahead()).toBe(clocks.wall);
  });

  it('ignores small corrections of the wall clock', () => {
    const { clocks, steady } = setUp();
    clocks.wall += 15;
    expect(steady.ahead()).toBe(0);
  });
});
