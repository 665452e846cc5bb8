import type { SchedulerError } from '../effects.ts';
import type { AliasName, RequestId, RevisionSettings } from '../types.ts';
import { first } from '../world/sorted.ts';
import { note, putRequest, type Turn } from '../world/turn.ts';
import type { LiveRequest } from '../world/world.ts';
import { type AttemptEnd, decideRetry } from './retry.ts';

/** The error for waiting and cut-off requests of a deleted application. */
export const deletedError = {
  type: 'runner_scheduling_failure',
  detail: 'The application was deleted.',
} as const satisfies SchedulerError;

/**
 * Gives the verdict on a running request whose attempt ended: its response is accepted, it waits again, or it fails.
 * `settings` are those of the runner that it ran on. Produces exactly one verdict effect.
 */
export function conclude(turn: Turn, request: LiveRequest, end: AttemptEnd, settings: RevisionSettings): void {
  const { info, attempts, retried, place } = request;
  if (place.kind !== 'running') return;
  const decision = decideRetry({ request: info, attempts, retried, settings }, end, turn.now);
  if (decision.outcome === 'accept') {
    putRequest(turn, info.id, undefined);
    turn.effects.push({ type: 'acceptAttempt', requestId: info.id, attemptId: place.attemptId });
    noteRequest(turn, request, 'request.finished', `Attempt ${attempts} produced the result.`);
    return;
  }
  if (decision.outcome === 'fail') {
    fail(turn, request, decision.error);
    return;
  }
  if (request.withdrawn) {
    fail(turn, request, { type: 'client_cancelled' });
    return;
  }
  // A request whose application was deleted has no runner for a retry.
  if ((turn.world.apps.get(info.alias)?.live ?? null) === null) {
    fail(turn, request, deletedError);
    return;
  }

  const { at, because, condition } = decision;
  const counts = condition === null ? retried : { ...retried, [condition]: retried[condition] + 1 };
  putRequest(turn, info.id, {
    ...request,
    retried: counts,
    lastRunner: place.runnerId,
    place: { kind: 'delayed', availableAt: at, because },
  });
  turn.effects.push({ type: 'requeueRequest', requestId: info.id, availableAt: at, because });
  const seconds = Math.ceil((at - turn.now) / 1000);
  noteRequest(turn, request, 'retry', `Attempt ${attempts} failed; retrying in ${seconds} s: ${because}.`);
}

/** Ends a request with a platform error and removes it from the world. */
export function fail(turn: Turn, request: LiveRequest, error: SchedulerError): void {
  putRequest(turn, request.info.id, undefined);
  turn.effects.push({ type: 'failRequest', requestId: request.info.id, error });
  noteRequest(turn, request, 'request.failed', `Failed: ${error.type}.`);
}

/** Ends the requests that wait for a deleted application: all of them, or as many as one step allows. */
export function failWaiting(turn: Turn, alias: AliasName, all = false): void {
  while (all || turn.left > 0) {
    const next = first(turn.world.apps.get(alias)?.requests.waiting ?? null);
    const request = turn.world.requests.get(next?.value ?? '');
    if (request === undefined) return;
    turn.left -= 1;
    fail(turn, request, deletedError);
  }
}

/** The start deadline of a waiting request passed. A runner that may be starting for it isn't affected. */
export function expire(turn: Turn, id: RequestId): void {
  const request = turn.world.requests.get(id);
  if (request !== undefined) fail(turn, request, { type: 'request_timeout', user: true });
}

/** The start of a runner that a direct call waited for took longer than startup_timeout. */
export function failUnstarted(turn: Turn, id: RequestId): void {
  const request = turn.world.requests.get(id);
  if (request !== undefined) fail(turn, request, { type: 'startup_timeout' });
}

/** The retry time of a delayed request has come: it waits for a runner and keeps its age. */
export function release(turn: Turn, id: RequestId): void {
  const request = turn.world.requests.get(id);
  if (request !== undefined) putRequest(turn, id, { ...request, place: { kind: 'waiting', since: turn.now } });
}

/**
 * A caller withdrew a request. A running request ends normally, because its executor posts the cancel call
 * (docs/platform/gateway.md#cancel), but it gets no further attempt.
 */
export function withdraw(turn: Turn, id: RequestId): void {
  const request = turn.world.requests.get(id);
  if (request === undefined) return;
  if (request.place.kind === 'running') {
    putRequest(turn, id, { ...request, withdrawn: true });
    return;
  }
  fail(turn, request, { type: request.info.kind === 'direct' ? 'client_disconnected' : 'client_cancelled' });
}

function noteRequest(turn: Turn, request: LiveRequest, topic: string, text: string): void {
  note(turn, { alias: request.info.alias, requestId: request.info.id, topic, text });
}
