import type { Event } from '../events.ts';
import { conclude } from '../requests/verdict.ts';
import type { AliasName, AttemptId, RunnerId, StopReason } from '../types.ts';
import { attemptsOf, isPlaced, isStarting } from '../world/runner-index.ts';
import { first } from '../world/sorted.ts';
import { changeApp, moveRunner, putRunner, type Turn, takeBudget } from '../world/turn.ts';
import type { Leave, LiveRunner } from '../world/world.ts';
import { troubleAfter } from './failures.ts';
import { createRunner } from './starting.ts';

/**
 * The ways in which a runner ends (docs/platform/runners.md#states, #requests-of-a-runner-that-ends). Unknown IDs are
 * ignored, because events may arrive late.
 */

/** What happened to the runner; completes "the runner …". */
const endings: { readonly [W in StopReason]: string } = {
  keep_alive: 'is no longer needed (keep_alive is over, or max_concurrency was lowered)',
  never_used: 'got no request',
  stopped: 'was stopped',
  killed: 'was killed',
  rollout: 'was replaced by a rollout',
  replaced: 'belongs to a replaced revision',
  alias_deleted: 'belongs to a deleted application',
  start_failed: 'failed to start',
  startup_timeout: 'was not ready within startup_timeout',
  unhealthy: 'failed its health check',
  server_error: 'answered 503 or asked to be stopped',
  request_timeout: 'exceeded request_timeout',
  disconnected: 'lost its connection',
  exited: 'exited by itself',
  capacity: 'made room for another application',
  swap_lost: 'did not answer the swap of its code',
  handover: 'gave its GPU slot to the new revision of its application',
  supervisor_lost: 'lost the supervisor of its environment',
  shutdown: 'was shut down',
};

/** Their log says more. */
const ofItself: ReadonlySet<string> = new Set<StopReason>([
  ...(['exited', 'disconnected', 'supervisor_lost', 'start_failed', 'startup_timeout'] as const),
]);
const decided: ReadonlySet<string> = new Set(
  Object.entries(endings).flatMap(([why, text]) => (ofItself.has(why) ? [] : [sentenceOf(text)])),
);

/** Whether this is why the scheduler has ended a runner, which may have had no time to terminate. */
export function isDecided(endReason: string): boolean {
  return decided.has(endReason);
}

/**
 * Ends a runner without losing work: an idle runner gets SIGTERM, a busy one drains first, one that isn't ready is
 * killed. A runner that is already ending isn't changed.
 */
export function retire(turn: Turn, id: RunnerId, why: StopReason): void {
  const runner = turn.world.runners.get(id);
  if (runner === undefined) return;
  const { state } = runner;
  if (state.kind === 'idle') {
    terminate(turn, runner, why);
    return;
  }
  if (state.kind === 'running') {
    const draining = { kind: 'draining', since: turn.now, attempts: state.attempts, why } as const;
    moveRunner(turn, runner, draining, sentence(why));
    return;
  }
  if (isStarting(state) || state.kind === 'failureDelay') kill(turn, id, why);
}

/**
 * Ends a runner that must not continue: SIGTERM now, SIGKILL after the grace period. Its requests in flight are lost. A
 * runner that isn't ready is killed.
 */
export function endNow(turn: Turn, id: RunnerId, why: StopReason): void {
  const runner = turn.world.runners.get(id);
  if (runner === undefined || runner.state.kind === 'terminating') return;
  if (isStarting(runner.state) || runner.state.kind === 'failureDelay') {
    kill(turn, id, why);
    return;
  }
  loseAttempts(turn, runner, endings[why]);
  terminate(turn, { ...runner, state: withoutAttempts(runner) }, why);
}

/** Sends SIGTERM immediately, but requests in flight may finish within the grace period. */
export function terminateSoon(turn: Turn, id: RunnerId, why: StopReason): void {
  const runner = turn.world.runners.get(id);
  if (runner === undefined || runner.state.kind === 'terminating') return;
  if (isStarting(runner.state) || runner.state.kind === 'failureDelay') {
    kill(turn, id, why);
    return;
  }
  terminate(turn, runner, why);
}

/**
 * Ends one of many runners that end together: now, or in one of the next steps if there are too many for this one.
 * Until then the runner gets no more requests.
 */
export function endOrDefer(turn: Turn, id: RunnerId, { how, why }: Leave): void {
  const runner = turn.world.runners.get(id);
  if (runner === undefined) return;
  if (takeBudget(turn)) ways[how](turn, id, why);
  else putRunner(turn, id, { ...runner, leave: { how, why } });
}

/** Ends the runners that `endOrDefer` left for a later step, as many as this step allows. */
export function endDeferred(turn: Turn, alias: AliasName): void {
  for (;;) {
    const next = first(turn.world.apps.get(alias)?.runners.leaving ?? null);
    const runner = turn.world.runners.get(next?.value ?? '');
    if (runner === undefined || runner.leave === null || !takeBudget(turn)) return;
    ways[runner.leave.how](turn, runner.id, runner.leave.why);
  }
}

const ways = { retire, terminateSoon, kill } as const;

/** Sends SIGKILL. Everything in flight is lost, and the runner is removed immediately: no process survives SIGKILL. */
export function kill(turn: Turn, id: RunnerId, why: StopReason, text = sentence(why)): void {
  const runner = turn.world.runners.get(id);
  if (runner === undefined) return;
  loseAttempts(turn, runner, endings[why]);
  if (isPlaced(runner)) turn.effects.push({ type: 'killRunner', runnerId: id });
  gone(turn, runner, why, text);
}

/**
 * The process exited. Before the runner was ready, that is a start failure; afterwards a loss; while it is ending, its
 * end. If the supervisor died, too, the app isn't to blame.
 */
export function exited(turn: Turn, event: Extract<Event, { readonly type: 'runnerExited' }>): void {
  const { runnerId: id, reason, cause } = event;
  const runner = turn.world.runners.get(id);
  if (runner === undefined || !isPlaced(runner)) return;
  const { state } = runner;
  const ending = state.kind === 'draining' || state.kind === 'terminating';
  const why = ending ? state.why : (cause ?? (isStarting(state) ? 'start_failed' : 'exited'));
  loseAttempts(turn, runner, endings[ending ? why : (cause ?? 'exited')]);
  gone(turn, runner, why, reason);
}

/** Removes an ended attempt from its runner. After the last attempt the runner is idle or, if it was draining, ends. */
export function freeSlot(turn: Turn, id: RunnerId, attemptId: AttemptId): void {
  const runner = turn.world.runners.get(id);
  if (runner === undefined) return;
  const { state } = runner;
  const attempts = attemptsOf(state).filter((attempt) => attempt.attemptId !== attemptId);
  if (state.kind === 'running' && attempts.length === 0) {
    moveRunner(turn, runner, { kind: 'idle', since: turn.now }, 'The last request finished.');
  } else if (state.kind === 'draining' && attempts.length === 0) {
    terminate(turn, { ...runner, state: { ...state, attempts } }, state.why);
  } else if ('attempts' in state) {
    moveRunner(turn, runner, { ...state, attempts }, '');
  }
}

function terminate(turn: Turn, runner: LiveRunner, why: StopReason): void {
  const killAt = turn.now + runner.settings.terminationGraceSeconds * 1000;
  const attempts = attemptsOf(runner.state);
  if (moveRunner(turn, runner, { kind: 'terminating', since: turn.now, killAt, attempts, why }, sentence(why))) {
    turn.effects.push({ type: 'terminateRunner', runnerId: runner.id });
  }
}

/**
 * Aborts the attempts that still run on the runner and decides about their requests. An attempt that just got its
 * verdict is already removed.
 */
function loseAttempts(turn: Turn, runner: LiveRunner, because: string): void {
  for (const attempt of attemptsOf(runner.state)) {
    const request = turn.world.requests.get(attempt.requestId);
    if (request?.place.kind !== 'running' || request.place.attemptId !== attempt.attemptId) continue;
    turn.effects.push({ type: 'abortAttempt', ...attempt, runnerId: runner.id });
    conclude(turn, request, { kind: 'runner_lost', because }, runner.settings);
  }
}

function withoutAttempts(runner: LiveRunner): LiveRunner['state'] {
  const { state } = runner;
  return 'attempts' in state ? { ...state, attempts: [] } : state;
}

/**
 * Removes the runner from the world, and may increase the failure counters of its app. If the runner was the check of a
 * rolling deploy, only the deploy fails; if its supervisor died, the deploy begins again.
 */
function gone(turn: Turn, runner: LiveRunner, why: StopReason, reason: string): void {
  if (!moveRunner(turn, runner, { kind: 'terminated', at: turn.now, why }, reason)) return;
  const app = turn.world.apps.get(runner.alias);
  if (app === undefined) return;
  const counts = app.live?.revision === runner.revision ? runner.role.kind !== 'check' : why === 'supervisor_lost';
  if (counts) changeApp(turn, app.alias, { trouble: troubleAfter(app.trouble, runner, why, reason, turn.now) });
  if (app.rolling?.runnerId !== runner.id) return;
  if (why !== 'supervisor_lost' || runner.readyAt !== undefined) {
    changeApp(turn, app.alias, { rolling: { ...app.rolling, failed: reason } });
    return;
  }
  const runnerId = createRunner(turn, app.alias, app.rolling, runner.role, reason);
  changeApp(turn, app.alias, { rolling: { ...app.rolling, runnerId } });
}

function sentence(why: StopReason): string {
  return sentenceOf(endings[why]);
}

function sentenceOf(ending: string): string {
  return `The runner ${ending}.`;
}
