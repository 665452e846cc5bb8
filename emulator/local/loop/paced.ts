import { contain, type Report } from './contain.ts';

/** Counts what is done in a turn of the event loop. */
export interface Paced {
  /** Does a piece of work: now, or after what came before it. */
  do(work: () => void): void;
  /** One thing more was done in this turn, be it by a piece of work or not: so much less may follow. */
  count(): void;
}

/** Things of one turn (measured: up to 0.1 ms for the end of a runner, with all that follows from it). */
const maxAtOnce = 50;

/**
 * For work that comes from outside, nobody knows how much of it at once: it is done in its order, at once while it is
 * little, and what is too much for one turn of the event loop in the turns after it. What a piece throws is reported;
 * the others are done all the same.
 */
export function createPaced(report: Report): Paced {
  let waiting: (() => void)[] = [];
  /** Since the loop was last let go: never less than what was done in this turn. */
  let done = 0;

  function count(): void {
    done += 1;
    // Not at the first: on quiet days each turn would have one more, for nothing.
    if (done === maxAtOnce) setImmediate(nextTurn);
  }

  function perform(work: () => void): void {
    count();
    contain(report, work)();
  }

  function nextTurn(): void {
    done = 0;
    let at = 0;
    // What they bring about meanwhile comes after those that wait.
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
