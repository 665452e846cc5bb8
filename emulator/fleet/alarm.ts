import { maxTimerMs } from '../local/loop/timers.ts';
import type { Instant } from '../scheduler/types.ts';

/** A single timer for the next instant at which the scheduler has something to do. */
interface Alarm {
  /** `undefined`: no wake-up is needed. */
  set(at: Instant | undefined): void;
}

/**
 * `now` and the instants are platform time; `factor` ms of platform time are one real millisecond.
 * @param ring called at the instant or earlier; if earlier, set the alarm again.
 */
export function createAlarm(factor: number, now: () => Instant, ring: () => void): Alarm {
  let timer: { readonly at: Instant; readonly handle: NodeJS.Timeout } | undefined;

  function fire(): void {
    timer = undefined;
    ring();
  }

  return {
    set(at) {
      // Keep a timer that fires earlier: the alarm is then set again. Every request moves the wake-up, usually to a
      // later time.
      if (timer && at !== undefined && timer.at <= at) return;
      clearTimeout(timer?.handle);
      timer = undefined;
      if (at === undefined) return;
      // If the instant is too far away for a timer, the timer fires early and the alarm is set again.
      const waitMs = Math.min(Math.max(0, at - now()), maxTimerMs * factor);
      timer = { at: now() + waitMs, handle: setTimeout(fire, Math.min(Math.ceil(waitMs / factor), maxTimerMs)) };
    },
  };
}
