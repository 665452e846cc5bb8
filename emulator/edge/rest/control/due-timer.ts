import { later as onTimer } from '../../../local/loop/timers.ts';

/** One timer for the earliest due time: set only while something is due. */
export interface DueTimer {
  /** Call it when something may be due earlier than before. */
  look(): void;
  close(): void;
}

/**
 * Calls `ring` `delayMs` after something became due, and again as long as something is due. `ring` must not throw.
 * @param deps `dueAt`: the due time according to `clock`; `undefined`: nothing is due
 */
export function createDueTimer(deps: {
  readonly dueAt: () => number | undefined;
  /** The delay between the due time and `ring`: whatever becomes due in the meantime shares the call. */
  readonly delayMs: number;
  readonly ring: () => void;
  /** Starts a timer; returns a function that cancels it. */
  readonly later?: (delayMs: number, run: () => void) => () => void;
  /** Milliseconds of a monotonic clock. */
  readonly clock?: () => number;
}): DueTimer {
  const { dueAt, delayMs, ring, later = onTimer, clock = () => performance.now() } = deps;
  let timer: { readonly at: number; readonly callOff: () => void } | undefined;
  let isClosed = false;

  function look(): void {
    const due = isClosed ? undefined : dueAt();
    if (due === undefined) return;
    const present = clock();
    const at = Math.max(due, present + delayMs);
    // A timer that fires too early checks again.
    if (timer && timer.at <= at) return;
    timer?.callOff();
    // Timers leave out parts of a millisecond: it would fire just before the due time.
    const callOff = later(Math.ceil(at - present), () => {
      timer = undefined;
      ring();
      look();
    });
    timer = { at, callOff };
  }

  return {
    look,
    close() {
      isClosed = true;
      timer?.callOff();
    },
  };
}
