import type { Event } from './events.ts';
import { deletedError, failWaiting } from './requests/verdict.ts';
import { endOrDefer, kill } from './runners/ending.ts';
import { createRunner } from './runners/starting.ts';
import type { AliasName, ScaleSettings } from './types.ts';
import { isStarting } from './world/runner-index.ts';
import { values } from './world/sorted.ts';
import { changeApp, makeApp, note, putApp, putRunner, type Turn } from './world/turn.ts';
import { noTrouble, type Release } from './world/world.ts';

/** Which revision an alias points to, and how it gets to another one (docs/platform/runners.md#deploys). */

/**
 * A deploy or set-rev. Recreate moves the alias at once. Rolling starts one runner of the new revision, even without
 * traffic and beyond max_concurrency, and moves the alias when it is ready. Detached does the same in reverse order,
 * and isn't rolled back when that runner fails; a first deploy has no old revision and works like recreate. A deploy in
 * progress is superseded. If the alias already has the revision, only the settings change.
 */
export function deployed(turn: Turn, event: Extract<Event, { readonly type: 'aliasDeployed' }>): void {
  const { alias, revision, scale, settings } = event;
  const release: Release = { revision, settings };
  const app = turn.world.apps.get(alias) ?? makeApp(turn, alias, scale);
  putApp(turn, app);
  // Requests that waited for a deleted app of the same name don't wait for this one.
  if (app.live === null) failWaiting(turn, alias, true);
  abandon(turn, alias, 'A later deploy replaced it.');
  if (event.strategy !== 'rolling' || app.live?.revision === revision) {
    switchTo(turn, alias, release, scale);
    if (event.strategy === 'detached' && app.live !== null && app.live.revision !== revision)
      rollOut(turn, alias, release);
    return;
  }
  if (turn.world.isClosing) {
    turn.effects.push({ type: 'deployFailed', alias, revision, reason: stoppingDeploy });
    return;
  }
  const runnerId = createRunner(turn, alias, release, { kind: 'check' }, 'Check of a rolling deploy.');
  changeApp(turn, alias, { rolling: { ...release, detached: false, isReload: false, scale, runnerId, failed: null } });
  note(turn, { alias, topic: 'deploy', text: `Rolling deploy of revision ${revision} begins.` });
}

/**
 * Starts the first runner after the alias has moved. The rollout is in progress until that runner is ready or has
 * ended.
 */
function rollOut(turn: Turn, alias: AliasName, release: Release): void {
  const app = turn.world.apps.get(alias);
  if (app === undefined || app.scale.maxConcurrency === 0 || turn.world.isClosing) return;
  const runnerId = createRunner(turn, alias, release, { kind: 'member' }, 'First runner of a detached rolling deploy.');
  const rolling = { ...release, detached: true, isReload: false, scale: app.scale, runnerId, failed: null };
  changeApp(turn, alias, { rolling });
  note(turn, { alias, topic: 'deploy', text: `Detached rolling deploy of revision ${release.revision} begins.` });
}

/**
 * Moves the alias when the runner of a rolling deploy is ready, or abandons the deploy when that runner ended. For a
 * detached deploy only marks the end: ordinary scaling continues from there, with the back-off of a failed start. For
 * reloads see reload.ts.
 */
export function concludeDeploy(turn: Turn, alias: AliasName): void {
  const rolling = turn.world.apps.get(alias)?.rolling ?? null;
  if (rolling === null || rolling.isReload) return;
  const { revision, settings, scale, runnerId } = rolling;
  const runner = turn.world.runners.get(runnerId);
  if (rolling.detached) {
    if (runner !== undefined && isStarting(runner.state)) return;
    changeApp(turn, alias, { rolling: null });
    const end = runner === undefined ? `failed and is not rolled back: ${rolling.failed}` : 'is complete.';
    note(turn, { alias, topic: 'deploy', text: `Detached rolling deploy of revision ${revision} ${end}` });
    return;
  }
  if (rolling.failed !== null || runner === undefined) {
    changeApp(turn, alias, { rolling: null });
    const reason = rolling.failed ?? 'The new runner ended.';
    turn.effects.push({ type: 'deployFailed', alias, revision, reason });
    note(turn, { alias, topic: 'deploy', text: `Rolling deploy of revision ${revision} failed: ${reason}` });
    return;
  }
  if (runner.state.kind !== 'idle') return;
  changeApp(turn, alias, { rolling: null });
  putRunner(turn, runnerId, { ...runner, role: { kind: 'member' } });
  switchTo(turn, alias, { revision, settings, worked: true }, scale);
}

/**
 * UpdateApplication: alias-level settings take effect immediately, revision-level settings for runners started from now
 * on.
 */
export function scaled(turn: Turn, event: Extract<Event, { readonly type: 'aliasScaled' }>): void {
  const app = turn.world.apps.get(event.alias);
  if (app === undefined || app.live === null) return;
  const rolling = app.rolling === null ? null : { ...app.rolling, scale: event.scale };
  const reload = app.reload && {
    ...app.reload,
    scale: event.scale,
    next: app.reload.next && { ...app.reload.next, scale: event.scale },
  };
  putApp(turn, { ...app, scale: event.scale, live: { ...app.live, settings: event.settings }, rolling, reload });
}

/**
 * The alias was deleted: waiting requests fail. Running requests may finish within the grace period, but aren't
 * retried.
 */
export function deleted(turn: Turn, alias: AliasName): void {
  const app = turn.world.apps.get(alias);
  if (app === undefined) return;
  abandon(turn, alias, deletedError.detail);
  changeApp(turn, alias, { live: null });
  failWaiting(turn, alias);
  for (const id of values(app.runners.all)) endOrDefer(turn, id, { how: 'terminateSoon', why: 'alias_deleted' });
}

/** Why a rolling deploy fails when the emulator stops. */
export const stoppingDeploy = 'The emulator is stopping. Start it again, then deploy again.';

/** Abandons a rolling deploy or a reload: its runner ends immediately, and the alias doesn't move. */
export function abandon(turn: Turn, alias: AliasName, reason: string): void {
  const { rolling = null, reload = null } = turn.world.apps.get(alias) ?? {};
  if (rolling === null && reload === null) return;
  changeApp(turn, alias, { rolling: null, reload: null });
  release(turn, alias);
  for (const order of [reload, reload?.next]) {
    if (order) turn.effects.push({ type: 'deployFailed', alias, revision: order.revision, reason });
  }
  if (rolling === null) return;
  // A detached deploy is already live: its runner is retired like the others when the alias moves on.
  if (rolling.detached) return;
  kill(turn, rolling.runnerId, 'replaced');
  turn.effects.push({ type: 'deployFailed', alias, revision: rolling.revision, reason });
  note(turn, { alias, topic: 'deploy', text: `Rolling deploy of revision ${rolling.revision} failed: ${reason}` });
}

/** Runners that a reload kept from requests get some again. */
export function release(turn: Turn, alias: AliasName): void {
  for (const id of values(turn.world.apps.get(alias)?.runners.all ?? null)) {
    const runner = turn.world.runners.get(id);
    if (runner?.held) putRunner(turn, id, { ...runner, held: false });
  }
}

/** The alias points to `release` from now on; runners of other revisions end without losing work. */
export function switchTo(turn: Turn, alias: AliasName, release: Release, scale: ScaleSettings): void {
  const app = turn.world.apps.get(alias);
  if (app === undefined) return;
  const isSame = app.live?.revision === release.revision;
  const worked = isSame && app.live?.worked ? ({ worked: true } as const) : {};
  putApp(turn, { ...app, live: { ...release, ...worked }, scale, trouble: isSame ? app.trouble : noTrouble });
  turn.effects.push({ type: 'aliasMoved', alias, revision: release.revision });
  note(turn, { alias, topic: 'deploy', text: `The alias points to revision ${release.revision}.` });
  for (const id of values(app.runners.all)) {
    if (turn.world.runners.get(id)?.revision === release.revision) continue;
    endOrDefer(turn, id, { how: 'retire', why: 'replaced' });
  }
}
