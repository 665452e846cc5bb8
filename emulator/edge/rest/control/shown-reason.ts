import type { Reason as Decided } from '../../../scheduler/types.ts';
import { type Reason, wordReason } from '../../../wire/reasons.ts';
import type { RestDeps } from '../deps.ts';

type Rooms = Pick<RestDeps, 'fleet' | 'runnerHistory' | 'about'>;

/** The scheduler's reason for people: with the number of the runner instead of its id. */
export function shownReason({ runnerHistory }: Pick<Rooms, 'runnerHistory'>, decided: Decided): Reason {
  const { runnerId, also, ...reason } = decided;
  const number = runnerHistory.get(runnerId ?? '')?.number;
  const numbers = { ...reason.numbers, ...(number === undefined ? {} : { runner: number }) };
  return { ...reason, numbers, also: also && { ...also, numbers: { ...also.numbers } } };
}

/** Why a request waits, as a sentence; `null` when it doesn't. */
export function whySentence({ fleet, runnerHistory, about }: Rooms, requestId: string, now: number): string | null {
  const decided = fleet.why(requestId);
  if (!decided) return null;
  const ahead = fleet.queuePosition(requestId);
  return wordReason(shownReason({ runnerHistory }, decided), { now, timeScale: about.timeScale, ahead });
}
