import { kill, retire } from './ending.ts';
import { isFull } from './room.ts';
import { attemptsOf, isCounted, isServing, isStarting } from './runner-index.ts';
import { floorOf } from './scaling.ts';
import { values } from './sorted.ts';
import { createRunner } from './starting.ts';
import { putRunner, type Turn } from './turn.ts';
import type { AliasName, RunnerId, StopReason } from './types.ts';
import type { App, LiveRunner, World } from './world.ts';

/**
 * New runners for old ones, of the same revision: rollouts and `runners stop --replace` (platform page runner.md §1,
 * §6).
 */

/**
 * A rollout. Forced: every runner is killed, what is in flight is lost (the CLI's own word for --force). Graceful: as
 * many serving runners as are needed end when their replacements are ready, busy ones first; the others end without
 * one. Runners that aren't ready yet begin anew. Without runners nothing happens.
 */
export function rollout(turn: Turn, alias: AliasName, force: boolean): void {
  const app = turn.world.apps.get(alias);
  if (app === undefined || app.live === null) return;
  const runners = values(app.runners.all)
    .map((id) => turn.world.runners.get(id))
    .filter((runner) => runner !== undefined)
    .filter((runner) => runner.role.kind !== 'check' && runner.state.kind !== 'failureDelay');
  if (force) {
    for (const runner of runners) kill(turn, runner.id, 'rollout');
    return;
  }
  for (const runner of runners) if (isStarting(runner.state)) retire(turn, runner.id, 'rollout');
  const needed = floorOf(app);
  const serving = runners.filter((runner) => isServing(runner.state));
  const busiestFirst = serving.toSorted((a, b) => load(b) - load(a));
  busiestFirst.forEach((runner, i) => {
    if (i < needed) markForReplacement(turn, runner.id, 'rollout');
    else retire(turn, runner.id, 'rollout');
  });
}

/** StopRunner. With `replaceFirst` a serving runner goes on until its replacement is ready. */
export function stop(turn: Turn, id: RunnerId, replaceFirst: boolean): void {
  const runner = turn.world.runners.get(id);
  if (runner === undefined) return;
  if (replaceFirst && isServing(runner.state)) markForReplacement(turn, id, 'stopped');
  else retire(turn, id, 'stopped');
}

/** Carries replacements on: starts missing ones, lets ready ones take over, keeps those whose old runner ended. */
export function replace(turn: Turn, alias: AliasName): void {
  const app = turn.world.apps.get(alias);
  if (app === undefined || app.live === null || app.runners.changing === null) return;
  const runners = values(app.runners.changing)
    .map((id) => turn.world.runners.get(id))
    .filter((runner) => runner !== undefined);
  const replaced = new Set<RunnerId>();
  for (const runner of runners) {
    if (runner.role.kind !== 'replacement') continue;
    replaced.add(runner.role.replaces);
    takeOver(turn, runner, turn.world.runners.get(runner.role.replaces));
  }
  for (const runner of runners) {
    if (runner.role.kind !== 'member' || replaced.has(runner.id)) continue;
    // On a full machine they come one after the other.
    if (awaitsSuccessor(turn.world, app) || (replaced.size > 0 && isFull(turn.world, app.live))) return;
    replaced.add(runner.id);
    const role = { kind: 'replacement', replaces: runner.id } as const;
    createRunner(turn, alias, app.live, role, `Replacement of runner ${runner.id}.`);
  }
}

function takeOver(turn: Turn, substitute: LiveRunner, old: LiveRunner | undefined): void {
  const oldCounts = old !== undefined && isCounted(old);
  if (oldCounts && substitute.state.kind !== 'idle') return;
  putRunner(turn, substitute.id, { ...substitute, role: { kind: 'member' } });
  if (oldCounts) end(turn, old);
}

/** No GPU slot is free for the replacement: the old runner ends first, and an ordinary one waits in its place. */
export function handOver(turn: Turn, substitute: LiveRunner, old: LiveRunner): void {
  putRunner(turn, substitute.id, { ...substitute, role: { kind: 'member', succeeds: true } });
  end(turn, old);
}

function awaitsSuccessor(world: World, { runners }: App): boolean {
  return values(runners.starting).some((id) => {
    const role = world.runners.get(id)?.role;
    return role?.kind === 'member' && role.succeeds === true;
  });
}

function end(turn: Turn, old: LiveRunner): void {
  putRunner(turn, old.id, { ...old, replacement: 'did' });
  retire(turn, old.id, old.replaceWhy);
}

function markForReplacement(turn: Turn, id: RunnerId, replaceWhy: StopReason): void {
  const runner = turn.world.runners.get(id);
  if (runner === undefined || runner.replacement !== 'none') return;
  putRunner(turn, id, { ...runner, replacement: 'will', replaceWhy });
}

function load(runner: LiveRunner): number {
  return attemptsOf(runner.state).length;
}
