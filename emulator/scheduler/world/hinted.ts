import type { RunnerId } from '../types.ts';
import { IdMap } from './id-map.ts';
import { first, insert, remove, type Sorted } from './sorted.ts';

/** The runner that last served a hint, for the hints that were served most recently. */
export interface Hinted {
  readonly served: IdMap<string, { readonly runnerId: RunnerId; readonly serial: number }>;
  /** The same hints, the least recently served first: [serial]. */
  readonly order: Sorted<string>;
  /** Grows with each hint served. */
  readonly serial: number;
}

/** Maximum number of hints for which an alias remembers the last runner. */
const remembered = 1000;

export const nothingHinted: Hinted = { served: IdMap.empty(), order: null, serial: 0 };

/** `runnerId` served `hint` just now. */
export function rememberHint({ served, order, serial }: Hinted, hint: string, runnerId: RunnerId): Hinted {
  const before = served.get(hint);
  const others = before === undefined ? order : remove(order, [before.serial]);
  const next = {
    served: served.set(hint, { runnerId, serial }),
    order: insert(others, [serial], hint),
    serial: serial + 1,
  };
  const oldest = first(next.order);
  if (next.served.size <= remembered || oldest === undefined) return next;
  return { ...next, served: next.served.delete(oldest.value), order: remove(next.order, oldest.key) };
}

/**
 * Maximum number of announced hints that count; the first ones are used. An app may announce any number of hints, and
 * each of them has a cost at every request.
 */
const maxAnnounced = 100;

/** The hints that a runner announces from now on; the same array as before if they are equal. */
export function announced(before: readonly string[] | null, hints: readonly string[]): readonly string[] {
  const now = hints.slice(0, maxAnnounced);
  return before?.length === now.length && before.every((hint, i) => hint === now[i]) ? before : now;
}
