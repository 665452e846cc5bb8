import { poolOf } from './machine/gpu-slots.ts';
import { isReloading } from './scaling.ts';
import { step } from './step.ts';
import type { AliasName, Instant, RequestId, RevisionId, RunnerId, ScaleSettings } from './types.ts';
import { runnersOfApp } from './world/app-runners.ts';
import { dispatchKey, queueBegin } from './world/request-index.ts';
import { first, rank } from './world/sorted.ts';
import type { App, LiveRunner, World } from './world/world.ts';

/** Facts by which situations differ in which requests or runners wait for the same reason (why.ts). */

export interface AppCircumstances {
  readonly scale: ScaleSettings;
  readonly maxMultiplexing: number;
  /** Consecutive failed starts, and why the last one failed. */
  readonly failures: number;
  readonly lastFailure: string | null;
  /** Its runners get saved code, and no requests meanwhile. */
  readonly isReloading: boolean;
  /** The runner that has to be ready before a rolling deploy moves the alias to `revision`. */
  readonly rollout: { readonly runnerId: RunnerId; readonly revision: RevisionId } | null;
  /** A ready runner that a debugger has stopped. */
  readonly paused: RunnerId | null;
}

/** `undefined`: no app of this alias is deployed or running. */
export function appCircumstances(world: World, alias: AliasName): AppCircumstances | undefined {
  const app = world.apps.get(alias);
  if (app === undefined || app.live === null) return undefined;
  const { scale, live, trouble, rolling } = app;
  const isRollout = rolling !== null && !rolling.isReload;
  return {
    scale,
    maxMultiplexing: live.settings.maxMultiplexing,
    failures: trouble.failures,
    lastFailure: trouble.lastFailure,
    isReloading: isReloading(app),
    rollout: isRollout ? { runnerId: rolling.runnerId, revision: rolling.revision } : null,
    paused:
      runnersOfApp(world, alias).find(({ pausedAt, readyAt }) => pausedAt !== null && readyAt !== undefined)?.id ??
      null,
  };
}

export interface WaitCircumstances {
  /** Requests of the app that get a runner earlier, direct ones included. */
  readonly ahead: number;
  /** Its priority is low, and those ahead include normal ones. */
  readonly isBehindNormal: boolean;
  /** Runners on the machine that are ending and give back what it waits for: room, or GPU slots. */
  readonly freeing: number;
  /** The least max_concurrency with which a runner for it would start now; `null`: no value would change anything. */
  readonly enoughConcurrency: number | null;
}

/** `undefined`: the request doesn't wait. */
export function waitCircumstances(world: World, id: RequestId, now: Instant): WaitCircumstances | undefined {
  const request = world.requests.get(id);
  const app = world.apps.get(request?.info.alias ?? '');
  if (request === undefined || app === undefined || request.place.kind === 'running') return undefined;
  const { waiting } = app.requests;
  const ahead = rank(waiting, dispatchKey(request));
  const normalAhead = rank(waiting, [2]) - rank(waiting, queueBegin);
  const inLine = world.runners.get(first(app.runners.inLine)?.value ?? '');
  return {
    ahead,
    isBehindNormal: request.info.priority === 'low' && normalAhead > 0,
    freeing: inLine === undefined ? 0 : freeingOf(world, inLine),
    enoughConcurrency: enoughConcurrency(world, app, ahead, now),
  };
}

function freeingOf(world: World, inLine: LiveRunner): number {
  return (inLine.settings.gpuSlots > 0 ? poolOf(world.gpu, inLine) : world).leaving;
}

/** Tried out: the scheduler gets the settings, in a world that nobody keeps. */
function enoughConcurrency(world: World, app: App, ahead: number, now: Instant): number | null {
  const { alias, live, scale, runners } = app;
  if (live === null || scale.maxConcurrency === null) return null;
  const needed = Math.ceil((ahead + 1) / live.settings.maxMultiplexing);
  const maxConcurrency = Math.max(scale.maxConcurrency, runners.counted) + needed;
  const event = { type: 'aliasScaled', alias, scale: { ...scale, maxConcurrency }, settings: live.settings } as const;
  const { effects } = step(world, event, now);
  const started = effects.filter(({ type }) => type === 'startRunner').length;
  return started >= needed ? maxConcurrency : null;
}

export interface RunnerHealth {
  /** Consecutive failed health checks, and the number of them that ends the runner. */
  readonly failures: number;
  readonly limit: number;
}

/** `undefined`: the runner never lived, or has ended. */
export function healthOf(world: World, id: RunnerId): RunnerHealth | undefined {
  const runner = world.runners.get(id);
  return runner && { failures: runner.probeFailures, limit: runner.settings.health.failureThreshold };
}
