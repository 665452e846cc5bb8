/** Decides which rows of a list a watcher is sent next. */
export interface RowPacer {
  /** The row differs from what was sent. */
  touch(row: string): void;
  /** Returns the rows to send now, at most `maxAtOnce`; they count as sent. `now` in milliseconds. */
  take(now: number): readonly string[];
  /**
   * The earliest time at which `take` has rows to check, as far as is known now; `undefined`: not before one is
   * touched.
   */
  dueAt(): number | undefined;
}

/**
 * A row that differs is sent at once, and then not again within `restMs`, however often it changes; many rows are sent
 * in several parts. Each call costs the same with any number of rows.
 */
export function createRowPacer(pace: { readonly restMs: number; readonly maxAtOnce: number }): RowPacer {
  const due = new Set<string>();
  /** Rows that were sent recently, the earliest first; `again`: changed since. */
  const resting = new Map<string, { readonly since: number; again: boolean }>();
  let again = 0;
  return {
    touch(row) {
      const rest = resting.get(row);
      if (!rest) due.add(row);
      else if (!rest.again) {
        rest.again = true;
        again++;
      }
    },
    take(now) {
      for (const [row, rest] of resting) {
        if (rest.since > now - pace.restMs) break;
        resting.delete(row);
        if (!rest.again) continue;
        again--;
        due.add(row);
      }
      const taken: string[] = [];
      for (const row of due) {
        if (taken.length === pace.maxAtOnce) break;
        due.delete(row);
        resting.set(row, { since: now, again: false });
        taken.push(row);
      }
      return taken;
    },
    dueAt() {
      if (due.size > 0) return Number.NEGATIVE_INFINITY;
      const [first] = again > 0 ? resting.values() : [];
      // The row that changed may have been sent later: then it is checked once more.
      return first && first.since + pace.restMs;
    },
  };
}
