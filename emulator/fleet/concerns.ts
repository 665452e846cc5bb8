import type { Effect } from '../scheduler/effects.ts';
import type { Event } from '../scheduler/events.ts';

/**
 * The request, runner or deploy that ends when a bug in minifal stops an event or effect halfway, so that nothing waits
 * for it indefinitely.
 */
export type Concern =
  /** What the scheduler still counts: an attempt, which holds a slot of a runner; a waiting request; or nothing. */
  | {
      readonly kind: 'request';
      readonly id: string;
      readonly left: { readonly attempt: string } | 'waiting' | 'nothing';
    }
  /** `abandon`: the engine couldn't be called, so it won't report the end of the runner. */
  | { readonly kind: 'runner'; readonly id: string; readonly how: 'kill' | 'abandon' }
  | { readonly kind: 'deploy'; readonly alias: string; readonly revision: string };

/** Returns `undefined` if nothing waits for the event or effect, or if it repeats automatically. */
export function concernOf(cause: Event | Effect): Concern | undefined {
  switch (cause.type) {
    case 'requestArrived':
      return { kind: 'request', id: cause.request.id, left: 'nothing' };
    case 'requestWithdrawn':
    case 'failRequest':
    case 'acceptAttempt':
      return { kind: 'request', id: cause.requestId, left: 'nothing' };
    case 'assign':
      return { kind: 'request', id: cause.requestId, left: { attempt: cause.attemptId } };
    case 'attemptEnded':
    case 'abortAttempt':
    case 'requeueRequest':
      return { kind: 'request', id: cause.requestId, left: 'waiting' };
    case 'startRunner':
    case 'killRunner':
      return { kind: 'runner', id: cause.runnerId, how: 'abandon' };
    case 'swapRunner':
    case 'runnerSwapped':
    case 'terminateRunner':
    case 'runnerPulling':
    case 'runnerStarted':
    case 'runnerReady':
    case 'runnerExited':
      return { kind: 'runner', id: cause.runnerId, how: 'kill' };
    case 'aliasDeployed':
    case 'aliasReloaded':
    case 'aliasMoved':
    case 'deployFailed':
      return { kind: 'deploy', alias: cause.alias, revision: cause.revision };
    default:
      return undefined;
  }
}
