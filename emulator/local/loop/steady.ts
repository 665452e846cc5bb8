/**
 * Time for durations. `now` starts at the wall clock's time but never jumps with it, and stops while this process
 * doesn't run (the machine sleeps, the process is stopped), so that a deadline doesn't expire because of that.
 */
export interface Steady {
  /** Milliseconds, to be compared only with each other. */
  now(): number;
  /** How far the wall clock is ahead, for instants that come from disk or from callers, or that are stored or shown. */
  ahead(): number;
}

/** A longer gap means that the process didn't run: it reads the clock once a second (`beatMs`). */
const maxGapMs = 10_000;
export const beatMs = 1_000;
/** The wall clock is always being corrected a little; displayed instants need not move with each correction. */
const noticedMs = 20;

/**
 * @param wall milliseconds since the epoch
 * @param monotonic milliseconds since any start; counts sleep on some systems (macOS) and not on others (Linux)
 */
export function createSteady(wall: () => number, monotonic: () => number = () => performance.now()): Steady {
  let seen = monotonic();
  let offset = wall() - seen;
  let ahead = 0;
  function now(): number {
    const present = monotonic();
    if (present - seen > maxGapMs) offset -= present - seen;
    seen = present;
    return present + offset;
  }
  return {
    now,
    ahead() {
      const present = wall() - now();
      if (Math.abs(present - ahead) > noticedMs) ahead = Math.round(present);
      return ahead;
    },
  };
}

/** For tests in which one clock serves both purposes. */
export function steadyAs(wall: () => number): Steady {
  return { now: wall, ahead: () => 0 };
}
