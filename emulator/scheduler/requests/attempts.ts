import type { AttemptOutcome, Event } from '../events.ts';
import { endNow, freeSlot, terminateSoon } from '../runners/ending.ts';
import { stoppingError } from '../shutdown.ts';
import type { AliasName, RequestId, RequestInfo, RevisionSettings, StopReason } from '../types.ts';
import { announced } from '../world/hinted.ts';
import { changeApp, edit, note, putRequest, putRunner, type Turn } from '../world/turn.ts';
import { type LiveRequest, noTrouble } from '../world/world.ts';
import { decideRetry, maxAttempts } from './retry.ts';
import { conclude, fail } from './verdict.ts';

/** The life of a request: it arrives, an attempt of it ends, an attempt takes too long. */

/** A request arrives; an id that is already here is ignored, one without a live application fails. */
export function arrived(turn: Turn, info: RequestInfo): void {
  if (turn.world.requests.has(info.id)) {
    note(turn, {
      alias: info.alias,
      requestId: info.id,
      topic: 'request.ignored',
      text: 'A request with this id already exists.',
    });
    return;
  }
  const { arrivals } = turn.world;
  const request: LiveRequest = {
    info,
    seq: arrivals,
    attempts: info.attempts,
    retried: info.recovered?.retried ?? { server_error: 0, timeout: 0, connection_error: 0 },
    lastRunner: null,
    withdrawn: false,
    place: { kind: 'waiting', since: info.attempts === 0 ? Math.min(info.submittedAt, turn.now) : turn.now },
  };
  edit(turn, 'arrivals', arrivals + 1);
  const live = turn.world.apps.get(info.alias)?.live ?? null;
  if (live === null) {
    fail(turn, request, { type: 'runner_scheduling_failure', detail: missing(info.alias) });
    return;
  }
  if (turn.world.isClosing && info.kind === 'direct') {
    fail(turn, request, stoppingError);
    return;
  }
  if (info.recovered?.interrupted === true) resumeInterrupted(turn, request, live.settings);
  // The request was recovered without this information: another attempt would exceed the maximum.
  else if (info.attempts >= maxAttempts) fail(turn, request, { type: 'runner_disconnected' });
  else putRequest(turn, info.id, request);
}

/** The UUID of a run says nothing to a person, and a run can't be deployed again under it. */
function missing(alias: AliasName): string {
  const isRun = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(alias);
  return isRun ? 'The run of this application has ended.' : `Application ${alias} is not deployed.`;
}

/**
 * Handles a request whose attempt was cut off by the end of the emulator. The attempt counts as lost with its runner
 * and is retried, without a pause because no runner is to blame.
 */
function resumeInterrupted(turn: Turn, request: LiveRequest, settings: RevisionSettings): void {
  const { info, attempts, retried } = request;
  const end = { kind: 'runner_lost', because: 'ended when the emulator stopped' } as const;
  const decision = decideRetry({ request: info, attempts, retried, settings }, end, turn.now);
  if (decision.outcome !== 'retry') {
    fail(turn, request, decision.outcome === 'fail' ? decision.error : { type: 'runner_disconnected' });
    return;
  }
  putRequest(turn, info.id, { ...request, retried: { ...retried, connection_error: retried.connection_error + 1 } });
  const { because } = decision;
  turn.effects.push({ type: 'requeueRequest', requestId: info.id, availableAt: turn.now, because });
  note(turn, {
    alias: info.alias,
    requestId: info.id,
    topic: 'retry',
    text: `Attempt ${attempts} failed; retrying: ${because}.`,
  });
}

/**
 * Handles the end of an attempt, as reported by its executor: first the verdict on the request, then the consequences
 * for the runner.
 */
export function attemptEnded(turn: Turn, event: Extract<Event, { readonly type: 'attemptEnded' }>): void {
  const request = turn.world.requests.get(event.requestId);
  if (request?.place.kind !== 'running' || request.place.attemptId !== event.attemptId) return;
  const { runnerId } = request.place;
  const runner = turn.world.runners.get(runnerId);
  if (runner === undefined) return;
  if (event.outcome.kind === 'response') answered(turn, runner.alias);
  if (event.hints !== undefined) putRunner(turn, runnerId, { ...runner, hints: announced(runner.hints, event.hints) });
  conclude(turn, request, event.outcome, runner.settings);
  const fate = fateOf(event.outcome);
  if (fate.kind === 'end') endNow(turn, runnerId, fate.why);
  if (fate.kind === 'endSoon') terminateSoon(turn, runnerId, fate.why);
  freeSlot(turn, runnerId, event.attemptId);
  if (fate.kind === 'check' && turn.world.runners.get(runnerId)?.state.kind !== 'terminating') {
    turn.effects.push({ type: 'checkTcp', runnerId });
  }
}

/** The app has answered a request, so it starts and serves correctly. */
function answered(turn: Turn, alias: AliasName): void {
  const trouble = turn.world.apps.get(alias)?.trouble ?? noTrouble;
  if (trouble.diedEarly + trouble.losses > 0)
    changeApp(turn, alias, { trouble: { ...trouble, diedEarly: 0, losses: 0 } });
}

/**
 * `request_timeout` passed: the attempt is aborted and its runner ends. The runner's other requests have the grace
 * period.
 */
export function timedOut(turn: Turn, id: RequestId): void {
  const request = turn.world.requests.get(id);
  if (request?.place.kind !== 'running') return;
  const { runnerId, attemptId } = request.place;
  const settings = turn.world.runners.get(runnerId)?.settings;
  if (settings === undefined) return;
  turn.effects.push({ type: 'abortAttempt', requestId: id, attemptId, runnerId });
  conclude(turn, request, { kind: 'timeout' }, settings);
  terminateSoon(turn, runnerId, 'request_timeout');
  freeSlot(turn, runnerId, attemptId);
}

export type RunnerFate =
  | { readonly kind: 'keep' }
  | { readonly kind: 'check' }
  /** The runner's other requests may finish within the grace period. */
  | { readonly kind: 'endSoon'; readonly why: StopReason }
  | { readonly kind: 'end'; readonly why: StopReason };

/**
 * What the end of an attempt means for its runner (docs/platform/runners.md#retries): `x-fal-stop-runner` decides if it
 * is set. Otherwise a single 503 ends the runner, 500, 502 and 504 cause a TCP check, and a broken connection ends the
 * runner, unless the server may simply have closed a kept-alive connection.
 */
export function fateOf(outcome: AttemptOutcome): RunnerFate {
  switch (outcome.kind) {
    case 'response':
      if (outcome.stopRunner === false) return { kind: 'keep' };
      if (outcome.stopRunner === true || outcome.status === 503) return { kind: 'endSoon', why: 'server_error' };
      return [500, 502, 504].includes(outcome.status) ? { kind: 'check' } : { kind: 'keep' };
    case 'disconnected':
      return outcome.isStale ? { kind: 'check' } : { kind: 'end', why: 'disconnected' };
    case 'connection_refused':
      return { kind: 'end', why: 'disconnected' };
    case 'incomplete':
      return { kind: 'check' };
    case 'caller_gone':
      return { kind: 'keep' };
  }
}
