import { contain, type Report } from './contain.ts';

/** Limits the work that is done in one turn of the event loop. */
export interface Paced {
  /** Runs a piece of work: now, or after the work that is already queued. */
  do(work: () => void): void;
  /** Counts one more thing done in this turn, as work or otherwise, so that less work fits into the turn. */
  count(): void;
}

/**
 * Maximum number per turn (measured: the end of a runner, with everything that follows from it, takes up to 0.1 ms).
 */
const maxAtOnce = 50;

/**
 * For work that comes from outside in unknown amounts. It is done in order: immediately while there is little of it,
 * and in later turns of the event loop what is too much for one. An error that a piece throws is reported, and the
 * other pieces are still done.
 */
export function createPaced(report: Report): Paced {
  let waiting: (() => void)[] = [];
  /** Since the last return to the event loop: never less than what was done in this turn. */
  let done = 0;

  function count(): void {
    done += 1;
    // Not at the first one: under light load each turn would schedule a needless extra turn.
    if (done === maxAtOnce) setImmediate(nextTurn);
  }

  function perform(work: () => void): void {
    count();
    contain(report, work)();
  }

  function nextTurn(): void {
    done = 0;
    let at = 0;
    // Work that these pieces add is done after the work that is already waiting.
    for (; done < maxAtOnce; at += 1) {
      const next = waiting[at];
      if (!next) break;
      perform(next);
    }
    waiting = waiting.slice(at);
  }

  return {
    do(work) {
      if (waiting.length === 0 && done < maxAtOnce) perform(work);
      else waiting.push(work);
    },
    count,
  };
}
