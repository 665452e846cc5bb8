import type { Debugging } from './debugging.ts';
import type { Reports } from './reports.ts';
import type { Swaps } from './swaps.ts';

/** Who takes what a runner reports between its start and its end, by the name of the event. */
export function handlersOf(reports: Reports, swaps: Swaps, debugging: Debugging) {
  return {
    ...reports.handlers,
    swappable: swaps.possible,
    swapped: swaps.answered,
    unswapped: swaps.answered,
    debug: debugging.reported,
    stacks: debugging.answered,
  };
}
