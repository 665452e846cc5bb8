import type { HostMessage, Mark, Row } from '../host.ts';

/** The rows that the page holds: a part of the log without gaps. */
export interface Held {
  readonly rows: readonly Row[];
  /** Where older rows continue; `null`: there are none. */
  readonly before: number | null;
  /** No row of the log is newer. */
  readonly isEnd: boolean;
}

/** So that memory stays the same however long the log is. */
export const maxHeld = 2_000;

export const nothing: Held = { rows: [], before: null, isEnd: true };

type RowsMessage = Pick<Extract<HostMessage, { type: 'rows' }>, 'where' | 'rows' | 'before' | 'isEnd'>;

/**
 * The rows after a message of the host. Above the limit, rows at the other end are dropped; a reader who has scrolled
 * up keeps what they look at, and gets new rows when they return. Pure.
 */
export function withRows(held: Held, message: RowsMessage, isFollowing: boolean): Held {
  const { where } = message;
  const rows = unknown(held, message);
  switch (where) {
    case 'reset':
      return { rows: rows.slice(-maxHeld), before: message.before, isEnd: message.isEnd };
    case 'older': {
      const all = [...rows, ...held.rows];
      return { rows: all.slice(0, maxHeld), before: message.before, isEnd: held.isEnd && all.length <= maxHeld };
    }
    case 'newer':
      return { ...dropOldest(held, [...held.rows, ...rows]), isEnd: message.isEnd };
    case 'live': {
      if (!held.isEnd || rows.length === 0) return held;
      const all = [...held.rows, ...rows];
      if (isFollowing || all.length <= maxHeld) return { ...dropOldest(held, all), isEnd: true };
      return { ...held, rows: all.slice(0, maxHeld), isEnd: false };
    }
  }
}

/** Where the rows continue that are not held; `null`: there are none. Pure. */
export function edgeOf({ rows, before, isEnd }: Held, where: 'older' | 'newer'): number | null {
  if (where === 'older') return before;
  return isEnd ? null : (rows.at(-1)?.seq ?? null);
}

/** The marks among the rows: those after the last one are shown only at the end of the log. Pure. */
export function marksOf({ rows, isEnd }: Held, marks: readonly Mark[]): readonly Mark[] {
  const last = rows.at(-1)?.at ?? 0;
  return isEnd ? marks : marks.filter(({ at }) => at <= last);
}

/** The stream and an answer may overlap. */
function unknown({ rows: known }: Held, { where, rows }: RowsMessage): readonly Row[] {
  const [first, last] = [known[0]?.seq, known.at(-1)?.seq];
  if (where === 'reset' || first === undefined || last === undefined) return rows;
  return rows.filter(({ seq }) => (where === 'older' ? seq < first : seq > last));
}

function dropOldest(held: Held, all: readonly Row[]): Pick<Held, 'rows' | 'before'> {
  const rows = all.slice(-maxHeld);
  return { rows, before: rows.length < all.length ? (rows[0]?.seq ?? held.before) : held.before };
}
