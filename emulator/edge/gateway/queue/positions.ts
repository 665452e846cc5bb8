import type { Fleet } from '../../../fleet/types.ts';
import { contain, type Report } from '../../../local/loop/contain.ts';
import { inSlices } from '../../../local/loop/slices.ts';
import { later as onTimer } from '../../../local/loop/timers.ts';

/** Notifies watchers that the position of a request in a queue may have changed. */
export interface Positions {
  /**
   * Calls `listener` when the positions of the alias's waiting requests may have changed: soon, but in a separate turn,
   * and at most once per `restMs`. While nothing changes, nothing runs and no timer is set. Errors that `listener`
   * throws are reported. Returns a function that unsubscribes.
   */
  watch(alias: string, listener: () => void): () => void;
}

interface Watched {
  readonly listeners: Set<() => void>;
  /** When they were last called, for `now`. */
  calledAt: number;
  cancel: (() => void) | undefined;
}

/**
 * All watchers share one follower of the fleet, and the watchers of an alias share one timer: an event costs the same
 * with any number of them, and if there are many, they are called in batches of a few milliseconds.
 */
export function createPositions(deps: {
  readonly follow: Fleet['follow'];
  readonly restMs: number;
  readonly report: Report;
  /** Starts a timer; returns a function that cancels it. */
  readonly later?: (delayMs: number, run: () => void) => () => void;
  /** Milliseconds of a monotonic clock. */
  readonly clock?: () => number;
}): Positions {
  const { follow, restMs, report, later = onTimer, clock = () => performance.now() } = deps;
  const byAlias = new Map<string, Watched>();
  let unfollow: (() => void) | undefined;

  function schedule(alias: string): void {
    const watched = byAlias.get(alias);
    if (!watched || watched.cancel) return;
    watched.cancel = later(Math.max(0, watched.calledAt + restMs - clock()), () => {
      watched.cancel = undefined;
      watched.calledAt = clock();
      // Some unsubscribe while others are called.
      inSlices([...watched.listeners], (listener) => {
        if (watched.listeners.has(listener)) contain(report, listener)();
      }).catch(report);
    });
  }

  return {
    watch(alias, listener) {
      unfollow ??= follow(({ apps }) => apps.forEach(schedule));
      const watched = byAlias.get(alias) ?? {
        listeners: new Set(),
        calledAt: Number.NEGATIVE_INFINITY,
        cancel: undefined,
      };
      byAlias.set(alias, watched);
      watched.listeners.add(listener);
      return () => {
        watched.listeners.delete(listener);
        if (watched.listeners.size > 0 || byAlias.get(alias) !== watched) return;
        watched.cancel?.();
        byAlias.delete(alias);
        if (byAlias.size > 0) return;
        unfollow?.();
        unfollow = undefined;
      };
    },
  };
}
