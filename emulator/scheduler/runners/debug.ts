import type { Event } from '../events.ts';
import type { Instant } from '../types.ts';
import { attemptsOf, isServing } from '../world/runner-index.ts';
import { note, putRequest, putRunner, type Turn } from '../world/turn.ts';
import type { LiveRunner } from '../world/world.ts';
import { probeIntervalMs } from './starting.ts';

/**
 * A debugger of a runner. While it has stopped the runner's code, or the runner waits for it, no time passes for the
 * runner: its start-up limit, the time limits of its requests, health checks, keep_alive and a swap of its code
 * continue afterwards with what was left. It isn't ended by scaling down. What a person or a deploy ends is ended
 * nevertheless, and requests that wait in the queue have their own limits.
 */

/** The debugger of a runner does something else from now on. */
export function debugged(turn: Turn, event: Extract<Event, { readonly type: 'runnerDebugged' }>): void {
  const runner = turn.world.runners.get(event.runnerId);
  const { debug } = event;
  if (runner === undefined || (runner.debug?.state ?? null) === debug) return;
  const isPaused = debug === 'waiting' || debug === 'paused';
  const after: LiveRunner = { ...runner, debug: debug === null ? null : { state: debug, since: turn.now } };
  if (isPaused === (runner.pausedAt !== null)) putRunner(turn, runner.id, after);
  else if (isPaused) pause(turn, after);
  else resume(turn, after, runner.pausedAt ?? turn.now);
  const text = debug === null ? 'Its debugger has detached.' : texts[debug];
  note(turn, { alias: runner.alias, runnerId: runner.id, topic: 'runner.debug', text });
}

const texts = {
  waiting: 'It waits for a debugger before it loads its code.',
  attached: 'A debugger is attached, and its code runs.',
  paused: 'Its debugger has stopped it: its time limits are suspended.',
};

/** For the person who has saved while the debugger has stopped the old code. */
export function reloadWaits(turn: Turn, { alias, id: runnerId }: Pick<LiveRunner, 'alias' | 'id'>): void {
  note(turn, { alias, runnerId, topic: 'runner.reload', text: 'The reload waits for the debugger.' });
}

function pause(turn: Turn, runner: LiveRunner): void {
  putRunner(turn, runner.id, { ...runner, pausedAt: turn.now });
  if (runner.swap) reloadWaits(turn, runner);
  for (const { requestId } of attemptsOf(runner.state)) {
    const request = turn.world.requests.get(requestId);
    if (request?.place.kind !== 'running') continue;
    putRequest(turn, requestId, { ...request, place: { ...request.place, pausedAt: turn.now } });
  }
}

function resume(turn: Turn, runner: LiveRunner, since: Instant): void {
  const { now } = turn;
  // What began during the pause must not end up ahead.
  const later = (at: Instant) => at + (now - since);
  const { state, swap } = runner;
  const swapMs = turn.world.limits.swapSeconds * 1000;
  const moved =
    'deadline' in state
      ? { ...state, deadline: later(state.deadline) }
      : state.kind === 'idle'
        ? { ...state, since: Math.min(later(state.since), now) }
        : state;
  putRunner(turn, runner.id, {
    ...runner,
    state: moved,
    startedAt: runner.startedAt === null ? null : Math.min(later(runner.startedAt), now),
    nextProbeAt: runner.nextProbeAt === null ? null : Math.min(later(runner.nextProbeAt), now + probeIntervalMs),
    // Whatever this check finds doesn't count.
    probedAt: null,
    swap: swap && { ...swap, isAsked: true, deadline: swap.isAsked ? later(swap.deadline) : now + swapMs },
    pausedAt: null,
    resumedAt: now,
  });
  if (swap && !swap.isAsked && isServing(state))
    turn.effects.push({ type: 'swapRunner', runnerId: runner.id, revision: swap.revision });
  for (const { requestId } of attemptsOf(state)) {
    const request = turn.world.requests.get(requestId);
    if (request?.place.kind !== 'running' || request.place.pausedAt === null) continue;
    const { place } = request;
    const startedAt = place.startedAt + now - (place.pausedAt ?? now);
    putRequest(turn, requestId, { ...request, place: { ...place, startedAt, pausedAt: null } });
  }
}

/** Whether a failed check of the runner says nothing: its code was stopped, or may have been while it was checked. */
export function isExcused(turn: Turn, { pausedAt, resumedAt, settings }: LiveRunner): boolean {
  if (pausedAt !== null) return true;
  return resumedAt !== null && turn.now <= resumedAt + 2 * settings.health.timeoutSeconds * 1000;
}
