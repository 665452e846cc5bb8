import { contain, type Report } from '../local/loop/contain.ts';
import type { Effect } from '../scheduler/effects.ts';
import type { Event } from '../scheduler/events.ts';
import { type Concern, concernOf } from './concerns.ts';
import type { Deploys } from './deploys.ts';
import type { Attempts } from './requests/attempts.ts';
import type { Runners } from './runners/runners.ts';

const reason = 'Internal error in minifal; see emulator.log for details.';

/** Ends the request, runner or deploy whose event or effect failed because of a bug in minifal, and reports the bug. */
export function createFailures(deps: {
  readonly attempts: Pick<Attempts, 'giveUp'>;
  readonly runners: Pick<Runners, 'abandon' | 'kill'>;
  readonly deploys: Pick<Deploys, 'settle'>;
  readonly dispatch: (event: Event) => void;
  readonly report: Report;
}): (cause: Event | Effect, error: unknown) => void {
  const { attempts, runners, deploys, dispatch, report } = deps;

  function giveUp({ id: requestId, left }: Extract<Concern, { kind: 'request' }>): void {
    attempts.giveUp(requestId);
    if (left === 'waiting') dispatch({ type: 'requestWithdrawn', requestId });
    if (left === 'waiting' || left === 'nothing') return;
    // The slot of the runner is free, whatever happened to the attempt.
    dispatch({ type: 'attemptEnded', requestId, attemptId: left.attempt, outcome: { kind: 'response', status: 500 } });
  }

  return (cause, error) => {
    report(error);
    // One failing request of the group must not end the others.
    if (cause.type === 'requestsRecovered')
      for (const request of cause.requests) dispatch({ type: 'requestArrived', request });
    const concern = concernOf(cause);
    if (concern?.kind === 'deploy') deploys.settle(concern.alias, concern.revision, { kind: 'failed', reason });
    else if (concern?.kind === 'request') giveUp(concern);
    else if (concern?.how === 'abandon') runners.abandon(concern.id, reason);
    else if (concern) contain(report, runners.kill)(concern.id);
  };
}
