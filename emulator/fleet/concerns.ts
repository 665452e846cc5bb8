import type { Effect } from '../scheduler/effects.ts';
import type { Event } from '../scheduler/events.ts';

/**
 * The one thing that ends when a bug of ours stops an event or effect half way: nobody must wait for it without end.
 */
export type Concern =
  /** What the scheduler still counts: an attempt, which holds a place on a runner; that it waits; or nothing. */
  | {
      readonly kind: 'request';
      readonly id: string;
      readonly left: { readonly attempt: string } | 'waiting' | 'nothing';
    }
  /** `abandon`: its engine could not be asked, so nothing is to be hoped from it. */
  | { readonly kind: 'runner'; readonly id: string; readonly how: 'kill' | 'abandon' }
  | { readonly kind: 'deploy'; readonly alias: string };

/** `undefined`: nothing waits for it, or it comes again by itself. */
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
    case 'terminateRunner':
    case 'runnerPulling':
    case 'runnerStarted':
    case 'runnerReady':
    case 'runnerExited':
      return { kind: 'runner', id: cause.runnerId, how: 'kill' };
    case 'aliasDeployed':
    case 'aliasMoved':
    case 'deployFailed':
      return { kind: 'deploy', alias: cause.alias };
    default:
      return undefined;
  }
}
