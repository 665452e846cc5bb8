import { expiresAt, expiringBefore, floorOf } from '../scaling.ts';
import type { AliasName, Instant, RequestId, Retried, RevisionId, Runner, RunnerId } from '../types.ts';
import { runnersOfApp } from '../world/app-runners.ts';
import { dispatchKey, queueBegin } from '../world/request-index.ts';
import { isServing } from '../world/runner-index.ts';
import { ascending, rank, size, values } from '../world/sorted.ts';
import type { World } from '../world/world.ts';

/** Read-only queries of a world. */

/** Live runners of one alias or of all, oldest first within an alias. */
export function runnersOf(world: World, alias?: AliasName): readonly Runner[] {
  if (alias !== undefined) return runnersOfApp(world, alias);
  return [...world.apps.keys()].flatMap((name) => runnersOfApp(world, name));
}

/** A live runner; `undefined`: it never existed, or has ended. */
export function runner(world: World, id: RunnerId): Runner | undefined {
  return world.runners.get(id);
}

/**
 * Requests of the same alias's queue that will be dispatched earlier, 0-based; 0 when this one doesn't wait. Direct
 * requests have no place in the queue.
 */
export function queuePosition(world: World, requestId: RequestId): number {
  const request = world.requests.get(requestId);
  const app = world.apps.get(request?.info.alias ?? '');
  if (request === undefined || app === undefined || request.place.kind === 'running') return 0;
  const { waiting } = app.requests;
  return Math.max(0, rank(waiting, dispatchKey(request)) - rank(waiting, queueBegin));
}

/** Number of waiting requests in the alias's queue, including those that wait for a retry time. */
export function queueSize(world: World, alias: AliasName): number {
  const waiting = world.apps.get(alias)?.requests.waiting ?? null;
  return size(waiting) - rank(waiting, queueBegin);
}

/** Number of all waiting requests of the alias, including direct ones. */
export function waitingSize(world: World, alias: AliasName): number {
  return size(world.apps.get(alias)?.requests.waiting ?? null);
}

/** IDs of waiting requests, including direct ones, in dispatch order: all of them, or the first `max`. */
export function waitingIds(world: World, alias: AliasName, max?: number): readonly RequestId[] {
  return values(world.apps.get(alias)?.requests.waiting ?? null, max);
}

/** Retries granted to a live request so far. */
export function retriedOf(world: World, requestId: RequestId): Retried | undefined {
  return world.requests.get(requestId)?.retried;
}

/** The IDs of all waiting requests, found lazily. Later changes of the world don't affect them. */
export function* waitingInOrder(world: World, alias: AliasName): Generator<RequestId, void> {
  for (const { value } of ascending(world.apps.get(alias)?.requests.waiting ?? null)) yield value;
}

/** Whether a request is live and has no runner. */
export function isWaiting(world: World, requestId: RequestId): boolean {
  const place = world.requests.get(requestId)?.place;
  return place !== undefined && place.kind !== 'running';
}

/** When a live request was submitted; 0 when there is none of that id. */
export function submittedAt(world: World, requestId: RequestId): Instant {
  return world.requests.get(requestId)?.info.submittedAt ?? 0;
}

/**
 * Seconds left of a runner's keep_alive, rounded up; `null` when it isn't counting down, because the runner isn't idle,
 * or min_concurrency, a buffer or the requests need it (docs/platform/runners.md#states).
 */
export function expirationCountdownSeconds(world: World, runnerId: RunnerId, now: Instant): number | null {
  const at = expiry(world, runnerId);
  return at === null ? null : Math.max(0, Math.ceil((at - now) / 1000));
}

/** When a runner's keep_alive ends; `null` when it isn't counting down. */
export function expiry(world: World, runnerId: RunnerId): Instant | null {
  const subject = world.runners.get(runnerId);
  const app = world.apps.get(subject?.alias ?? '');
  const at = subject === undefined || app === undefined ? null : expiresAt(app, subject);
  if (subject === undefined || app === undefined || at === null) return null;
  return expiringBefore(app, subject, at) < app.runners.serving - floorOf(app) ? at : null;
}

/** What an alias has at the moment, counted. */
export interface AppCounts {
  readonly revision: RevisionId;
  /** Requests that wait, direct ones included. */
  readonly queued: number;
  /** Runners before they are ready, those that are ready, and those of these that have a request. */
  readonly starting: number;
  readonly ready: number;
  readonly busy: number;
  /** Runners that are leaving, or wait after a failed start. */
  readonly others: number;
}

/** `undefined`: the alias doesn't exist. */
export function countsOf(world: World, alias: AliasName): AppCounts | undefined {
  const app = world.apps.get(alias);
  if (app === undefined || app.live === null) return undefined;
  const { all, starting, serving, idleUsed, idleFresh } = app.runners;
  return {
    revision: app.live.revision,
    queued: size(app.requests.waiting),
    starting: size(starting),
    ready: serving,
    busy: serving - size(idleUsed) - size(idleFresh),
    others: size(all) - size(starting) - serving,
  };
}

/** A runner that can serve, or serves, the code of now; `undefined`: there is none. */
export function readyRunner(world: World, alias: AliasName): RunnerId | undefined {
  const revision = world.apps.get(alias)?.live?.revision;
  return runnersOfApp(world, alias).find((one) => one.revision === revision && isServing(one.state))?.id;
}

/** Why the latest start of a runner of the alias failed, until one becomes ready; `null`: it did not fail. */
export function lastFailure(world: World, alias: AliasName): string | null {
  return world.apps.get(alias)?.trouble.lastFailure ?? null;
}

/** Whether a rolling deploy of the alias is in progress. */
export function isRolling(world: World, alias: AliasName): boolean {
  return (world.apps.get(alias)?.rolling ?? null) !== null;
}
