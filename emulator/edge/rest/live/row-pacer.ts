/** Decides which rows of a list are sent next. */
export interface RowPacer<K> {
  /** The row may differ from what was sent. `now` in milliseconds, here and below. */
  touch(row: K, now: number): void;
  /** Returns the rows to send now, at most `maxAtOnce`; they count as sent. */
  take(now: number): readonly K[];
  /**
   * The earliest time at which `take` has rows to check, as far as is known now; `undefined`: not before one is
   * touched.
   */
  dueAt(): number | undefined;
  /** The number of rows that are touched. */
  size(): number;
}

/**
 * A row that changes now and then is sent at once. One that keeps changing is sent less and less often: after
 * `firstRestMs`, then twice that, up to `maxRestMs`; as soon as it was quiet for its rest, it is sent at once again.
 */
export function createRowPacer<K>(pace: {
  readonly firstRestMs: number;
  readonly maxRestMs: number;
  readonly maxAtOnce: number;
}): RowPacer<K> {
  const { firstRestMs, maxRestMs, maxAtOnce } = pace;
  /** Rows to send, with the rest after that. */
  const due = new Map<K, number>();
  /** Rows that were sent recently; `again`: touched since. */
  const resting = new Map<K, { readonly until: number; readonly restMs: number; again: boolean }>();
  let again = 0;
  return {
    touch(row, now) {
      const rest = resting.get(row);
      if (!rest || (!rest.again && rest.until <= now)) {
        resting.delete(row);
        if (!due.has(row)) due.set(row, firstRestMs);
      } else if (!rest.again) {
        rest.again = true;
        again++;
      }
    },
    take(now) {
      for (const [row, rest] of resting) {
        if (rest.until > now) continue;
        resting.delete(row);
        if (!rest.again) continue;
        again--;
        due.set(row, Math.min(2 * rest.restMs, maxRestMs));
      }
      const taken: K[] = [];
      for (const [row, restMs] of due) {
        if (taken.length === maxAtOnce) break;
        due.delete(row);
        resting.set(row, { until: now + restMs, restMs, again: false });
        taken.push(row);
      }
      return taken;
    },
    dueAt() {
      if (due.size > 0) return Number.NEGATIVE_INFINITY;
      if (again === 0) return undefined;
      let first = Number.POSITIVE_INFINITY;
      for (const rest of resting.values()) if (rest.again) first = Math.min(first, rest.until);
      return first;
    },
    size: () => due.size + again,
  };
}
