import type { Fleet } from '../../../fleet/types.ts';
import { contain, type Report } from '../../../local/loop/contain.ts';
import { inSlices } from '../../../local/loop/slices.ts';
import { later as onTimer } from '../../../local/loop/timers.ts';

/** Notifies watchers that the position of a request in a queue may have changed. */
export interface Places {
  /**
   * Calls `look` when the places of the alias's waiting requests may have changed: soon, but in a separate turn, and at
   * most once per `restMs`. While nothing changes, nothing runs and no timer is set. Errors that `look` throws are
   * reported. Returns a function that unsubscribes.
   */
  watch(alias: string, look: () => void): () => void;
}

interface Watched {
  readonly looks: Set<() => void>;
  /** When they were last called, for `now`. */
  lookedAt: number;
  callOff: (() => void) | undefined;
}

/**
 * All watchers share one follower of the fleet, and the watchers of an alias share one timer: an event costs the same
 * with any number of them, and if there are many, they are called in batches of a few milliseconds.
 */
export function createPlaces(deps: {
  readonly follow: Fleet['follow'];
  readonly restMs: number;
  readonly report: Report;
  /** Starts a timer; returns a function that cancels it. */
  readonly later?: (delayMs: number, run: () => void) => () => void;
  /** Milliseconds of a monotonic clock. */
  readonly clock?: () => number;
}): Places {
  const { follow, restMs, report, later = onTimer, clock = () => performance.now() } = deps;
  const byAlias = new Map<string, Watched>();
  let unfollow: (() => void) | undefined;

  function touch(alias: string): void {
    const watched = byAlias.get(alias);
    if (!watched || watched.callOff) return;
    watched.callOff = later(Math.max(0, watched.lookedAt + restMs - clock()), () => {
      watched.callOff = undefined;
      watched.lookedAt = clock();
      // Some unsubscribe while others are called.
      inSlices([...watched.looks], (look) => {
        if (watched.looks.has(look)) contain(report, look)();
      }).catch(report);
    });
  }

  return {
    watch(alias, look) {
      unfollow ??= follow(({ apps }) => apps.forEach(touch));
      const watched = byAlias.get(alias) ?? {
        looks: new Set(),
        lookedAt: Number.NEGATIVE_INFINITY,
        callOff: undefined,
      };
      byAlias.set(alias, watched);
      watched.looks.add(look);
      return () => {
        watched.looks.delete(look);
        if (watched.looks.size > 0 || byAlias.get(alias) !== watched) return;
        watched.callOff?.();
        byAlias.delete(alias);
        if (byAlias.size > 0) return;
        unfollow?.();
        unfollow = undefined;
      };
    },
  };
}
