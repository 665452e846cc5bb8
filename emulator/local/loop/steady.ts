/**
 * Time for durations. `now` begins with the wall clock but never jumps with it, and does not move while this process
 * doesn't run (the machine sleeps, the process is stopped): what was asked for within a time is not over because of
 * that.
 */
export interface Steady {
  /** Milliseconds, comparable with each other alone. */
  now(): number;
  /** How far the wall clock is ahead, for instants that come from disk or callers, and that are stored or shown. */
  ahead(): number;
}

/** Nobody was served for so long: the process didn't run. It looks at the clock once a second (`beatMs`). */
const maxGapMs = 10_000;
export const beatMs = 1_000;
/** The wall clock is corrected a little all the time; instants that are shown need not move with each correction. */
const noticedMs = 20;

/**
 * @param wall milliseconds since the epoch
 * @param monotonic milliseconds since whenever; counts sleep on some systems (macOS) and not on others (Linux)
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

/** Where one clock serves for all: tests. */
export function steadyAs(wall: () => number): Steady {
  return { now: wall, ahead: () => 0 };
}
