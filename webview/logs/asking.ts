import type { Filter, HostMessage, PageMessage } from '../host.ts';
import { edgeOf, type Held } from './held.ts';

type RowsMessage = Extract<HostMessage, { type: 'rows' }>;

/** Where to scroll when rows arrive; `isJump`: select that row. */
export interface Wanted {
  readonly seq: number;
  readonly isJump: boolean;
}

/**
 * What the page has asked its host for: one query at a time, by number, and at most one part of its rows at a time.
 */
export function createAsking(send: (message: PageMessage) => void) {
  let query = 0;
  let isAsked = false;
  let isSearching = true;
  let missed = false;
  let wanted: Wanted | undefined;

  return {
    /** Asks for all rows again: those around `at`, or the newest (`null`). */
    begin(filter: Filter, at: number | null, isJump = false): void {
      query++;
      isAsked = false;
      isSearching = true;
      missed = false;
      wanted = at === null ? undefined : { seq: at, isJump };
      send({ type: 'query', query, filter, at });
    },
    /** Asks for the rows next to those that are held. */
    more(where: 'older' | 'newer', held: Held): void {
      const from = edgeOf(held, where);
      if (isAsked || isSearching || from === null) return;
      isAsked = true;
      send({ type: 'more', query, where, from });
    },
    /** Searches for an error among the rows that aren't held; `false`: there are none. */
    findError(where: 'older' | 'newer', held: Held): boolean {
      const from = edgeOf(held, where);
      if (from === null) return false;
      send({ type: 'findError', query, where, from });
      return true;
    },
    /** Whether a message is an answer to the latest query. */
    isAnswer: (message: { readonly query: number }): boolean => message.query === query,
    /** Takes note of an answer. */
    answered({ where, isPart, missed: hasMissed }: RowsMessage): void {
      if (where !== 'live') {
        isSearching = isPart;
        if (!isPart) isAsked = false;
      }
      missed = hasMissed || (where !== 'reset' && missed);
    },
    /** Where to scroll after this answer. */
    wantedBy({ where, rows, isPart }: RowsMessage): Wanted | undefined {
      const found = wanted;
      if (where === 'live' || !found) return undefined;
      // The rows in front of it come first, as an answer of their own.
      const isThere = where === 'newer' || rows.some(({ seq }) => seq >= found.seq);
      if (isThere && !isPart) wanted = undefined;
      return found;
    },
    isSearching: () => isSearching,
    /** Rows were deleted in front of those that are held. */
    missed: () => missed,
  };
}
