/** Which rows of a list a watcher is sent next. */
export interface RowPacer {
  /** The row differs from what was sent. */
  touch(row: string): void;
  /** What is to be sent now, at most `mostAtOnce` rows; they count as sent. `now` in milliseconds. */
  take(now: number): readonly string[];
}

/**
 * A row that differs is sent at once, and then not again before `restMs` are over, however often it changes; many rows
 * are sent in several parts. Both calls cost the same with any number of rows.
 */
export function createRowPacer(pace: { readonly restMs: number; readonly mostAtOnce: number }): RowPacer {
  const due = new Set<string>();
  /** Sent a short time ago, the earliest first; `again`: changed since. */
  const resting = new Map<string, { readonly since: number; again: boolean }>();
  return {
    touch(row) {
      const rest = resting.get(row);
      if (rest) rest.again = true;
      else due.add(row);
    },
    take(now) {
      for (const [row, { since, again }] of resting) {
        if (since > now - pace.restMs) break;
        resting.delete(row);
        if (again) due.add(row);
      }
      const taken: string[] = [];
      for (const row of due) {
        if (taken.length === pace.mostAtOnce) break;
        due.delete(row);
        resting.set(row, { since: now, again: false });
        taken.push(row);
      }
      return taken;
    },
  };
}
