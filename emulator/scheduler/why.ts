import { noRoom } from './machine/room.ts';
import { backOffReason, clause } from './runners/failures.ts';
import { queueDueAt } from './scaling.ts';
import type { Instant, OneReason, Reason, ReasonCode, RequestId, RunnerId, RunnerState } from './types.ts';
import { first } from './world/sorted.ts';
import type { App, LiveRunner, World } from './world/world.ts';

/**
 * Why this request waits; `null` when it doesn't (it runs or is unknown). It is built from the facts that the decisions
 * use, so it can't disagree with them.
 */
export function why(world: World, requestId: RequestId, now: Instant): Reason | null {
  const request = world.requests.get(requestId);
  const app = world.apps.get(request?.info.alias ?? '');
  if (request === undefined || app === undefined || request.place.kind === 'running') return null;
  if (request.place.kind === 'delayed') {
    const { availableAt: until, because } = request.place;
    const numbers = { attempt: request.attempts + 1 };
    return { ...nothing, code: 'retry_delay', numbers, until, evidence: clause(because), action: 'read_log' };
  }
  return runnersReason(world, app, request.place.since, now);
}

/** Why a runner isn't ready; `null`: it is, it is ending, or it doesn't exist. */
export function whyRunner(world: World, runnerId: RunnerId, now: Instant): Reason | null {
  const runner = world.runners.get(runnerId);
  const app = world.apps.get(runner?.alias ?? '');
  if (runner === undefined || app === undefined) return null;
  if (runner.state.kind === 'failureDelay') return backOffReason(app.trouble, now, runner.state.retryAt);
  if (runner.turn !== null) return { ...noRoom(world, runner), also: null };
  const code = startCodes[runner.state.kind];
  return code === undefined ? null : startReason(app, runner, code);
}

const nothing = { numbers: {}, since: null, until: null, evidence: null, action: null, also: null } as const;

const startCodes: { readonly [K in RunnerState['kind']]?: ReasonCode } = {
  pending: 'runner_pending',
  dockerPull: 'image_pull',
  setup: 'runner_setup',
};

function runnersReason(world: World, app: App, since: Instant, now: Instant): Reason {
  if (app.reload !== null) return { ...nothing, code: 'code_swap', since };
  const restarting = app.rolling?.isReload ? app.rolling.runnerId : undefined;
  const starting = world.runners.get(restarting ?? first(app.runners.starting)?.value ?? '');
  if (starting !== undefined && starting.turn !== null && (app.runners.serving === 0 || restarting !== undefined))
    return { ...noRoom(world, starting), also: null };
  const code = starting && starting.turn === null ? startCodes[starting.state.kind] : undefined;
  if (starting !== undefined && code !== undefined) return startReason(app, starting, code);
  const backOff = first(app.runners.backingOff)?.key[0];
  if (backOff !== undefined) return backOffReason(app.trouble, since, backOff);
  if (app.scale.maxConcurrency === 0)
    return { ...nothing, code: 'max_concurrency_zero', since, action: 'raise_max_concurrency' };
  return slotsReason(world, app, since, now);
}

function startReason({ trouble }: App, { id, state }: LiveRunner, code: ReasonCode): Reason {
  const evidence = trouble.lastFailure === null ? null : clause(trouble.lastFailure);
  return {
    ...nothing,
    code,
    numbers: 'percent' in state ? { percent: state.percent } : {},
    since: 'since' in state ? state.since : null,
    evidence,
    action: evidence === null ? null : 'read_start_failure',
    runnerId: id,
  };
}

function slotsReason(world: World, app: App, since: Instant, now: Instant): Reason {
  const { maxConcurrency } = app.scale;
  const { counted } = app.runners;
  const mayGrow = maxConcurrency === null || counted < maxConcurrency;
  const dueAt = queueDueAt(app);
  const until = mayGrow && dueAt !== null && dueAt > now ? dueAt : null;
  const action = until !== null ? 'lower_scaling_delay' : mayGrow ? null : 'raise_max_concurrency';
  if (counted === 0) return { ...nothing, code: 'no_runner', since, until, action };
  const inLine = world.runners.get(first(app.runners.inLine)?.value ?? '');
  const also: OneReason | null = inLine === undefined ? null : noRoom(world, inLine);
  const numbers = {
    runners: counted,
    ...(maxConcurrency === null ? {} : { maxConcurrency }),
    maxMultiplexing: app.live?.settings.maxMultiplexing ?? 1,
  };
  return { ...nothing, code: 'slots_busy', numbers, since, until, action, also };
}
