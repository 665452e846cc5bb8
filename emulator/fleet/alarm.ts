import { longestTimerMs } from '../local/loop/timers.ts';
import type { Instant } from '../scheduler/types.ts';

/** One timer for the next instant at which the scheduler has something to do. */
interface Alarm {
  /** `undefined`: there is nothing. */
  set(at: Instant | undefined): void;
}

/**
 * `now` and the instants are platform time, of which `factor` ms are a real one.
 * @param ring called when it is time, or earlier: then it is to be set once more.
 */
export function createAlarm(factor: number, now: () => Instant, ring: () => void): Alarm {
  let timer: { readonly at: Instant; readonly handle: NodeJS.Timeout } | undefined;

  function fire(): void {
    timer = undefined;
    ring();
  }

  return {
    set(at) {
      // One that fires earlier is left: it asks again. Every request moves the wake-up, mostly to later.
      if (timer && at !== undefined && timer.at <= at) return;
      clearTimeout(timer?.handle);
      timer = undefined;
      if (at === undefined) return;
      // One that is too far off for a timer simply wakes early and asks again.
      const waitMs = Math.min(Math.max(0, at - now()), longestTimerMs * factor);
      timer = { at: now() + waitMs, handle: setTimeout(fire, Math.min(Math.ceil(waitMs / factor), longestTimerMs)) };
    },
  };
}
