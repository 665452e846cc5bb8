import { abandon, release, stoppingDeploy, switchTo } from './deploy.ts';
import type { Event } from './events.ts';
import { reloadWaits } from './runners/debug.ts';
import { endOrDefer, retire } from './runners/ending.ts';
import { createRunner, probeIntervalMs } from './runners/starting.ts';
import { floorOf } from './scaling.ts';
import type { AliasName, RevisionSettings, RunnerId } from './types.ts';
import { runnersOfApp } from './world/app-runners.ts';
import { isCounted, isServing } from './world/runner-index.ts';
import { values } from './world/sorted.ts';
import { changeApp, note, putRunner, type Turn } from './world/turn.ts';
import { type App, type LiveRunner, noTrouble, type ReloadOrder } from './world/world.ts';

/**
 * New code for an app in development (`minifal run --watch`). Requests in flight finish on the code that they began
 * with, and waiting ones wait for the new code. Runners that aren't ready yet are replaced; draining ones don't change.
 *
 * - swap: each serving runner exchanges its code. If none of them can, the app is restarted.
 * - restart: one runner of the new revision starts, even beyond max_concurrency. When it is ready, the alias moves, and
 *   the others end. When it fails, the others serve again, and the alias stays.
 * - settings: they apply to all runners at once.
 *
 * A reload supersedes one whose runner is still starting. While runners swap, it waits for their answers. Each reload
 * ends with exactly one effect, `aliasMoved` or `deployFailed` with its revision.
 */

const superseded = 'A later reload replaced it.';

/** Code was saved: begins the reload, or lets it wait. */
export function reloaded(turn: Turn, order: ReloadOrder): void {
  const { alias } = order;
  const app = turn.world.apps.get(alias);
  if (app === undefined || app.live === null) fail(turn, order, `Application ${alias} does not run.`);
  else if (turn.world.isClosing) fail(turn, order, stoppingDeploy);
  else if (app.reload === null) begin(turn, order);
  else {
    if (app.reload.next !== null) fail(turn, app.reload.next, superseded);
    changeApp(turn, alias, { reload: { ...app.reload, next: order } });
  }
}

/** A runner has answered. One whose reload was given up belongs to no live revision, or continues as before. */
export function swapped(turn: Turn, event: Extract<Event, { readonly type: 'runnerSwapped' }>): void {
  const { runnerId, revision, ok, reason } = event;
  const runner = turn.world.runners.get(runnerId);
  if (runner === undefined || runner.swap?.revision !== revision) return;
  const app = turn.world.apps.get(runner.alias);
  const reload = app?.reload?.revision === revision ? app.reload : null;
  const about = { alias: runner.alias, runnerId, revision: ok ? revision : runner.revision, topic: 'runner.swapped' };
  note(turn, { ...about, text: ok ? 'The runner has the new code.' : `The runner keeps its code: ${reason}` });
  if (!ok) {
    putRunner(turn, runnerId, { ...runner, swap: null, held: runner.held || reload !== null });
    if (event.lost) loseSwap(turn, runnerId);
    return;
  }
  const fields = reload === null ? {} : withSettings(turn, runner, reload.settings);
  putRunner(turn, runnerId, { ...runner, ...fields, revision, swap: null, held: false });
  if (reload === null && isServing(runner.state) && app?.live?.revision !== revision)
    retire(turn, runnerId, 'replaced');
}

/** Nobody knows which code the runner has: it ends when its requests have ended. */
export function loseSwap(turn: Turn, id: RunnerId): void {
  retire(turn, id, 'swap_lost');
}

/** Ends a reload when all runners have answered, or when the runner of a restart is ready or has ended. */
export function concludeReload(turn: Turn, alias: AliasName): void {
  const app = turn.world.apps.get(alias);
  if (app?.reload) concludeSwap(turn, app, app.reload);
  else if (app?.rolling?.isReload) concludeRestart(turn, app, app.rolling);
}

function concludeSwap(turn: Turn, app: App, reload: NonNullable<App['reload']>): void {
  const { alias } = app;
  const serving = servingOf(turn, app);
  if (serving.some(({ swap }) => swap?.revision === reload.revision)) return;
  changeApp(turn, alias, { reload: null });
  const { revision, settings, scale, next } = reload;
  if (serving.some((runner) => runner.revision === revision)) {
    switchTo(turn, alias, { revision, settings, worked: true }, scale);
    release(turn, alias);
  } else if (next === null) {
    restart(turn, app, reload);
  } else {
    fail(turn, { alias, revision }, superseded);
  }
  if (next !== null) begin(turn, next);
}

function concludeRestart(turn: Turn, { alias, live }: App, rolling: NonNullable<App['rolling']>): void {
  const { revision, settings, scale, runnerId, failed } = rolling;
  const runner = turn.world.runners.get(runnerId);
  if (failed === null && runner !== undefined) {
    if (runner.state.kind !== 'idle') return;
    changeApp(turn, alias, { rolling: null });
    release(turn, alias);
    putRunner(turn, runnerId, { ...runner, role: { kind: 'member' } });
    switchTo(turn, alias, { revision, settings, worked: true }, scale);
    return;
  }
  changeApp(turn, alias, { rolling: null });
  release(turn, alias);
  const reason = failed ?? 'The new runner ended.';
  fail(turn, { alias, revision }, reason);
  // The old code never worked, so the new one is tried again after a pause.
  if (live === null || live.worked) return;
  switchTo(turn, alias, { revision, settings }, scale);
  changeApp(turn, alias, { trouble: { ...noTrouble, failures: 1, lastFailure: reason } });
}

function begin(turn: Turn, order: ReloadOrder): void {
  const { alias, revision, from, settings, scale, how } = order;
  abandon(turn, alias, superseded);
  const app = turn.world.apps.get(alias);
  if (app === undefined || app.live === null) return;
  const { live } = app;
  note(turn, { alias, topic: 'deploy', text: `Reload to revision ${revision} begins: ${how}.` });
  // Slots can't change hands while a runner runs.
  const canKeep =
    live.settings.gpuSlots === settings.gpuSlots &&
    (turn.world.limits.gpuKinds === null || String(live.settings.gpuTypes) === String(settings.gpuTypes));
  const able = servingOf(turn, app).filter((runner) => runner.revision === from && runner.swap === null);
  if (revision === live.revision) switchTo(turn, alias, { revision, settings }, scale);
  else if (how === 'settings' && canKeep && live.revision === from) applySettings(turn, app, order);
  else if (how === 'swap' && canKeep && able.length > 0) swap(turn, app, order, able);
  else restart(turn, app, order);
}

function swap(turn: Turn, app: App, order: ReloadOrder, able: readonly LiveRunner[]): void {
  const { alias, revision, settings, scale } = order;
  clear(turn, app);
  for (const { id } of able) {
    const runner = turn.world.runners.get(id);
    if (runner === undefined) continue;
    // Old code that a debugger has stopped finishes first.
    const isAsked = runner.pausedAt === null;
    const deadline = turn.now + turn.world.limits.swapSeconds * 1000;
    putRunner(turn, id, { ...runner, held: false, swap: { revision, deadline, isAsked } });
    if (isAsked) turn.effects.push({ type: 'swapRunner', runnerId: id, revision });
    else reloadWaits(turn, runner);
  }
  changeApp(turn, alias, { reload: { revision, settings, scale, next: null } });
}

/** The code is the same, so runners that aren't ready yet have it, too. */
function applySettings(turn: Turn, app: App, { alias, revision, from, settings, scale }: ReloadOrder): void {
  for (const id of values(app.runners.all)) {
    const runner = turn.world.runners.get(id);
    if (runner?.revision !== from || !isCounted(runner)) continue;
    putRunner(turn, id, { ...runner, ...withSettings(turn, runner, settings), revision });
    note(turn, { alias, runnerId: id, revision, topic: 'runner.swapped', text: 'The runner keeps its code.' });
  }
  switchTo(turn, alias, { revision, settings, ...(app.live?.worked ? { worked: true } : {}) }, scale);
}

/** An app that is scaled to zero, with nothing to do, gets its next runner by ordinary scaling. */
function restart(
  turn: Turn,
  { alias }: App,
  { revision, settings, scale }: Pick<ReloadOrder, 'revision' | 'settings' | 'scale'>,
): void {
  const app = turn.world.apps.get(alias);
  if (app === undefined) return;
  const wanted = floorOf({ ...app, live: { revision, settings }, scale });
  const isIdle = app.runners.counted === 0 && wanted === 0;
  if (isIdle || scale.maxConcurrency === 0) {
    release(turn, alias);
    switchTo(turn, alias, { revision, settings }, scale);
    return;
  }
  clear(turn, app);
  const runnerId = createRunner(turn, alias, { revision, settings }, { kind: 'check' }, 'Restart with the saved code.');
  const rolling = { revision, settings, detached: false, isReload: true, scale, runnerId, failed: null };
  changeApp(turn, alias, { rolling });
}

/** Runners of the old code that aren't ready end; those that serve get no requests for now. */
function clear(turn: Turn, app: App): void {
  for (const id of values(app.runners.all)) {
    const runner = turn.world.runners.get(id);
    if (runner === undefined || runner.leave !== null) continue;
    if (isServing(runner.state)) putRunner(turn, id, { ...runner, held: true });
    else if (runner.state.kind !== 'draining' && runner.state.kind !== 'terminating')
      endOrDefer(turn, id, { how: 'kill', why: 'replaced' });
  }
}

function servingOf(turn: Turn, { alias }: App): readonly LiveRunner[] {
  return runnersOfApp(turn.world, alias).filter((runner) => isCounted(runner) && isServing(runner.state));
}

/** A runner keeps the GPU slots that it was given. Health checks begin or end with the settings. */
function withSettings({ now }: Turn, runner: LiveRunner, settings: RevisionSettings): Partial<LiveRunner> {
  const begin = isServing(runner.state) ? now + probeIntervalMs : null;
  return {
    settings: { ...settings, gpuSlots: runner.settings.gpuSlots },
    nextProbeAt: settings.health.callRegularly ? (runner.nextProbeAt ?? begin) : null,
  };
}

function fail(turn: Turn, { alias, revision }: Pick<ReloadOrder, 'alias' | 'revision'>, reason: string): void {
  turn.effects.push({ type: 'deployFailed', alias, revision, reason });
  note(turn, { alias, topic: 'deploy', text: `Reload to revision ${revision} failed: ${reason}` });
}
