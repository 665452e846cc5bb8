import { isFull } from './machine/room.ts';
import { endOrDefer, retire } from './runners/ending.ts';
import { createRunner } from './runners/starting.ts';
import { floorOf, isReloading } from './scaling.ts';
import type { AliasName, RunnerId, StopReason } from './types.ts';
import { runnersOfApp } from './world/app-runners.ts';
import { attemptsOf, isCounted, isServing, isStarting } from './world/runner-index.ts';
import { ascending, values } from './world/sorted.ts';
import { putRunner, type Turn, takeBudget } from './world/turn.ts';
import type { LiveRunner } from './world/world.ts';

/**
 * Replaces runners by new ones of the same revision: rollouts and `runners stop --replace`
 * (docs/platform/runners.md#states, #deploys).
 */

/**
 * A rollout. Forced: every runner is killed, and requests in flight are lost (as the CLI describes --force). Graceful:
 * as many serving runners as needed are replaced, busy ones first, and end when their replacements are ready. The
 * others end without a replacement. Runners that aren't ready yet are restarted. Without runners nothing happens.
 */
export function rollout(turn: Turn, alias: AliasName, force: boolean): void {
  const app = turn.world.apps.get(alias);
  if (app === undefined || app.live === null) return;
  const runners = runnersOfApp(turn.world, alias).filter(
    (runner) => runner.role.kind !== 'check' && runner.state.kind !== 'failureDelay',
  );
  const end = { how: 'retire', why: 'rollout' } as const;
  if (force) {
    for (const runner of runners) endOrDefer(turn, runner.id, { how: 'kill', why: 'rollout' });
    return;
  }
  for (const runner of runners) if (isStarting(runner.state)) endOrDefer(turn, runner.id, end);
  const needed = floorOf(app);
  const serving = runners.filter((runner) => isServing(runner.state));
  const busiestFirst = serving.toSorted((a, b) => load(b) - load(a));
  busiestFirst.forEach((runner, i) => {
    if (i < needed) markForReplacement(turn, runner.id, 'rollout');
    else endOrDefer(turn, runner.id, end);
  });
}

/** StopRunner. With `replaceFirst` a serving runner continues until its replacement is ready. */
export function stop(turn: Turn, id: RunnerId, replaceFirst: boolean): void {
  const runner = turn.world.runners.get(id);
  if (runner === undefined) return;
  if (replaceFirst && isServing(runner.state)) markForReplacement(turn, id, 'stopped');
  else retire(turn, id, 'stopped');
}

/** Advances replacements: starts missing ones, lets ready ones take over, and keeps those whose old runner ended. */
export function replace(turn: Turn, alias: AliasName): void {
  const app = turn.world.apps.get(alias);
  if (app === undefined || app.live === null || isReloading(app)) return;
  const { successors, unreplaced, succeeding } = app.runners;
  if (successors === null && unreplaced === null) return;
  let { replacements } = app.runners;
  for (const id of values(successors)) takeOver(turn, id);
  for (const { value: id } of ascending(unreplaced)) {
    const old = turn.world.runners.get(id);
    // On a full machine, replacements start one by one.
    if (old === undefined || succeeding > 0 || (replacements > 0 && isFull(turn.world, app.live))) return;
    if (!takeBudget(turn)) return;
    replacements += 1;
    const role = { kind: 'replacement', replaces: id } as const;
    const substitute = createRunner(turn, alias, app.live, role, `Replacement of runner ${id}.`);
    putRunner(turn, id, { ...old, substitute });
  }
}

function takeOver(turn: Turn, id: RunnerId): void {
  const substitute = turn.world.runners.get(id);
  if (substitute?.role.kind !== 'replacement') return;
  const old = turn.world.runners.get(substitute.role.replaces);
  putRunner(turn, id, { ...substitute, role: { kind: 'member' } });
  if (old !== undefined && isCounted(old)) endOld(turn, old);
}

/**
 * No GPU slot is free for the replacement, so the old runner ends first, and the replacement becomes an ordinary runner
 * that waits.
 */
export function handOver(turn: Turn, substitute: LiveRunner, old: LiveRunner): void {
  putRunner(turn, substitute.id, { ...substitute, role: { kind: 'member', succeeds: true } });
  endOld(turn, old);
}

function endOld(turn: Turn, old: LiveRunner): void {
  putRunner(turn, old.id, { ...old, replacement: 'did' });
  retire(turn, old.id, old.replaceReason);
}

function markForReplacement(turn: Turn, id: RunnerId, replaceReason: StopReason): void {
  const runner = turn.world.runners.get(id);
  if (runner === undefined || runner.replacement !== 'none') return;
  putRunner(turn, id, { ...runner, replacement: 'will', replaceReason });
}

function load(runner: LiveRunner): number {
  return attemptsOf(runner.state).length;
}
