/** Decides which rows of a list are sent next. */
export interface RowPacer<K> {
  /** The row may differ from what was sent. `now` in milliseconds, here and below. */
  touch(row: K, now: number): void;
  /**
   * Returns the rows to send now, at most `maxAtOnce`; they count as sent.
   * - `all`: also those that may still settle.
   * - `early`: also those that keep changing and have rested for half of their time. So rows that keep changing come
   *   together, and with others, instead of each at a time of its own.
   */
  take(now: number, which?: { readonly all?: boolean; readonly early?: boolean }): readonly K[];
  /** Whether `take` has a row whose time has come. */
  isDue(now: number): boolean;
  /**
   * The earliest time at which `take` has rows to check, as far as is known now; `undefined`: not before one is
   * touched.
   */
  dueAt(): number | undefined;
  /** The number of rows that are touched. */
  size(): number;
}

interface Rest {
  readonly until: number;
  readonly restMs: number;
  /** It was touched since. */
  again: boolean;
}

/**
 * A row that changes now and then is sent once it has settled: what changes it within `settleMs` belongs together. One
 * that keeps changing is sent less and less often: after `firstRestMs`, then twice that, up to `maxRestMs`; as soon as
 * it was quiet for its rest, it is sent at once again.
 */
export function createRowPacer<K>(pace: {
  readonly settleMs: number;
  readonly firstRestMs: number;
  readonly maxRestMs: number;
  readonly maxAtOnce: number;
}): RowPacer<K> {
  const { settleMs, firstRestMs, maxRestMs, maxAtOnce } = pace;
  /** Rows to send from a time on, with the rest after that. */
  const due = new Map<K, { readonly from: number; readonly restMs: number }>();
  /** Rows that were sent recently. */
  const resting = new Map<K, Rest>();
  let again = 0;
  const isOver = ({ until, restMs }: Rest, now: number, early: boolean) => until - (early ? restMs / 2 : 0) <= now;
  return {
    touch(row, now) {
      const rest = resting.get(row);
      if (!rest || (!rest.again && rest.until <= now)) {
        resting.delete(row);
        if (!due.has(row)) due.set(row, { from: now + settleMs, restMs: firstRestMs });
      } else if (!rest.again) {
        rest.again = true;
        again++;
      }
    },
    take(now, { all = false, early = false } = {}) {
      for (const [row, rest] of resting) {
        if (!isOver(rest, now, early && rest.again)) continue;
        resting.delete(row);
        if (!rest.again) continue;
        again--;
        due.set(row, { from: now, restMs: Math.min(2 * rest.restMs, maxRestMs) });
      }
      const taken: K[] = [];
      for (const [row, { from, restMs }] of due) {
        if (taken.length === maxAtOnce) break;
        if (!all && from > now) continue;
        due.delete(row);
        resting.set(row, { until: now + restMs, restMs, again: false });
        taken.push(row);
      }
      return taken;
    },
    isDue(now) {
      for (const { from } of due.values()) if (from <= now) return true;
      if (again > 0) for (const rest of resting.values()) if (rest.again && isOver(rest, now, false)) return true;
      return false;
    },
    dueAt() {
      // The first one was touched first.
      const [next] = due.values();
      let first = next?.from ?? Number.POSITIVE_INFINITY;
      if (again > 0) for (const rest of resting.values()) if (rest.again) first = Math.min(first, rest.until);
      return first === Number.POSITIVE_INFINITY ? undefined : first;
    },
    size: () => due.size + again,
  };
}
