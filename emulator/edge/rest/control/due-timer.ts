import { later as onTimer } from '../../../local/loop/timers.ts';

/** One timer for the earliest of what is due: set only while something is. */
export interface DueTimer {
  /** Something may be due earlier than before. */
  look(): void;
  close(): void;
}

/**
 * Calls `ring` `delayMs` after something became due, and again as long as something is. `ring` must not throw.
 * @param deps `dueAt`: when, in the time of `clock`; `undefined`: nothing is
 */
export function createDueTimer(deps: {
  readonly dueAt: () => number | undefined;
  /** From what is due to `ring`: what becomes due meanwhile shares it. */
  readonly delayMs: number;
  readonly ring: () => void;
  /** A timer that can be called off. */
  readonly later?: (delayMs: number, run: () => void) => () => void;
  /** Milliseconds of a clock that doesn't jump. */
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
    // One that comes too early looks again.
    if (timer && timer.at <= at) return;
    timer?.callOff();
    const callOff = later(at - present, () => {
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
