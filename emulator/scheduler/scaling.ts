import { endOrDefer, kill, retire } from './runners/ending.ts';
import { createRunner } from './runners/starting.ts';
import { startTarget, target } from './scale.ts';
import type { AliasName, Instant, RunnerId } from './types.ts';
import { runnersOfApp } from './world/app-runners.ts';
import { attemptsOf, isCounted, isPlaced, isStarting } from './world/runner-index.ts';
import { type Entry, first, last, rank, size } from './world/sorted.ts';
import { note, type Turn, takeBudget } from './world/turn.ts';
import type { App, LiveRunner } from './world/world.ts';

/** Decides which runners start and end, using the formulas of scale.ts (docs/platform/runners.md#scaling). */

/** How long a new runner that never got a request is kept (docs/platform/runners.md#scaling). */
const neverUsedMs = 10_000;

/** Adjusts the number of the app's runners to its settings and requests. */
export function scaleApp(turn: Turn, alias: AliasName): void {
  capRunners(turn, alias);
  startRunners(turn, alias);
  endSurplus(turn, alias);
}

/** Whether new code is on its way to the app's runners: none starts with the old code, or with code that may fail. */
export function isReloading(app: App): boolean {
  return app.reload !== null || app.rolling?.isReload === true;
}

/** Number of runners that keep_alive must not end: max(min_concurrency, need + buffer), at most max_concurrency. */
export function floorOf(app: App): number {
  if (app.live === null) return 0;
  const volume = app.runners.inFlight + size(app.requests.waiting);
  return target(app.scale, volume, app.live.settings.maxMultiplexing);
}

/**
 * When waiting requests begin to count for starting runners: when one has waited without a runner for `scaling_delay`.
 * The delay begins again after each attempt (for a request with a retry time, at that time). `null`: nothing waits.
 */
export function queueDueAt(app: App): Instant | null {
  const waiting = first(app.requests.bySince)?.key[0] ?? Number.POSITIVE_INFINITY;
  const delayed = first(app.requests.delayed)?.key[0] ?? Number.POSITIVE_INFINITY;
  const since = Math.min(waiting, delayed);
  return since === Number.POSITIVE_INFINITY ? null : since + app.scale.scalingDelaySeconds * 1000;
}

/** The idle runner whose keep_alive (or 10 s without any request) ends first, if there is a surplus runner. */
export function nextToExpire(app: App): { readonly runnerId: RunnerId; readonly at: Instant } | undefined {
  if (app.runners.serving <= floorOf(app)) return undefined;
  const used = expiry(first(app.runners.idleUsed), app.scale.keepAliveSeconds * 1000);
  const fresh = expiry(first(app.runners.idleFresh), neverUsedMs);
  if (used === undefined || fresh === undefined) return used ?? fresh;
  return fresh.at < used.at ? fresh : used;
}

/** When an idle runner ends unless something needs it; `null` when it isn't idle. */
export function expiresAt(app: App, runner: LiveRunner): Instant | null {
  if (runner.state.kind !== 'idle' || runner.pausedAt !== null) return null;
  return runner.state.since + (runner.used ? app.scale.keepAliveSeconds * 1000 : neverUsedMs);
}

/** Number of idle runners that expire before this one. */
export function expiringBefore(app: App, runner: LiveRunner, at: Instant): number {
  const used = rank(app.runners.idleUsed, [at - app.scale.keepAliveSeconds * 1000, runner.serial]);
  return used + rank(app.runners.idleFresh, [at - neverUsedMs, runner.serial]);
}

function expiry(entry: Entry<RunnerId> | undefined, afterMs: number) {
  return entry === undefined ? undefined : { runnerId: entry.value, at: (entry.key[0] ?? 0) + afterMs };
}

/**
 * Ends the runners above a lowered max_concurrency immediately: first those that aren't ready, then idle ones, then the
 * least busy.
 */
function capRunners(turn: Turn, alias: AliasName): void {
  const app = turn.world.apps.get(alias);
  const max = app?.scale.maxConcurrency ?? null;
  if (app === undefined || max === null || app.runners.counted <= max) return;
  const runners = runnersOfApp(turn.world, alias)
    .filter((runner) => isCounted(runner) && runner.pausedAt === null)
    .sort((a, b) => worth(a) - worth(b) || b.serial - a.serial);
  for (const runner of runners.slice(0, app.runners.counted - max))
    endOrDefer(turn, runner.id, { how: 'retire', why: 'keep_alive' });
}

function worth(runner: LiveRunner): number {
  if (!isPlaced(runner)) return -2;
  return isStarting(runner.state) ? -1 : attemptsOf(runner.state).length;
}

function startRunners(turn: Turn, alias: AliasName): void {
  const app = turn.world.apps.get(alias);
  // Only one runner of the app is in the line at a time. After it gets room, the next one joins the line at its end.
  if (app === undefined || app.live === null || app.runners.inLine !== null || isReloading(app)) return;
  const dueAt = queueDueAt(app);
  const queueIsDue = dueAt !== null && (app.scale.scalingDelaySeconds === 0 || dueAt <= turn.now);
  const volume = { inFlight: app.runners.inFlight, queued: size(app.requests.waiting) };
  const wanted = startTarget(app.scale, volume, app.live.settings.maxMultiplexing, queueIsDue);
  const missing = wanted - app.runners.counted;
  if (missing <= 0 || turn.left <= 0) return;
  const facts = `${volume.inFlight} in flight, ${volume.queued} waiting`;
  note(turn, {
    alias,
    topic: 'scale',
    text: `Runners wanted: ${wanted} (${facts}); existing: ${app.runners.counted}.`,
  });
  for (let i = 0; i < missing && takeBudget(turn); i += 1) {
    const id = createRunner(turn, alias, app.live, { kind: 'member' }, 'Created by scaling.');
    if (turn.world.runners.get(id)?.turn !== null) return;
  }
}

function endSurplus(turn: Turn, alias: AliasName): void {
  dropWithoutProcess(turn, alias);
  for (;;) {
    const app = turn.world.apps.get(alias);
    const next = app === undefined ? undefined : nextToExpire(app);
    if (next === undefined || next.at > turn.now || !takeBudget(turn)) return;
    const used = turn.world.runners.get(next.runnerId)?.used === true;
    retire(turn, next.runnerId, used ? 'keep_alive' : 'never_used');
  }
}

/**
 * Drops runners that wait for room or back off when they are no longer needed, the latest first. They have no process
 * to keep alive.
 */
function dropWithoutProcess(turn: Turn, alias: AliasName): void {
  for (;;) {
    const app = turn.world.apps.get(alias);
    const latest = last(app?.runners.inLine ?? null) ?? last(app?.runners.backingOff ?? null);
    if (app === undefined || latest === undefined || app.runners.counted <= floorOf(app)) return;
    // The first runner of a detached rolling deploy starts even without traffic.
    if (latest.value === app.rolling?.runnerId) return;
    kill(turn, latest.value, 'keep_alive');
  }
}
