import { wordReason } from '../../wire/reasons.ts';
import { queuePosition } from '../requests/select.ts';
import type { Instant, Reason } from '../types.ts';
import { why } from '../why.ts';
import type { World } from '../world/world.ts';

/** Why a request waits, in the words of the command line. Runners are numbered in the order of their creation. */
export function sentence(world: World, requestId: string, now: Instant): string | null {
  const reason = why(world, requestId, now);
  return reason && inWords(world, reason, now, queuePosition(world, requestId));
}

export function inWords(world: World, reason: Reason, now: Instant, ahead = 0): string {
  const serial = world.runners.get(reason.runnerId ?? '')?.serial;
  const numbers = { ...reason.numbers, ...(serial === undefined ? {} : { runner: serial + 1 }) };
  return wordReason({ ...reason, numbers }, { now, timeScale: 1, ahead });
}
