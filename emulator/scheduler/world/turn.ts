import type { Effect, Note } from '../effects.ts';
import { countSlots, slotsOf } from '../machine/gpu-slots.ts';
import type { AliasName, Instant, Reason, RequestId, RunnerId, RunnerState, ScaleSettings } from '../types.ts';
import { uuidFrom } from './ids.ts';
import { indexRequest, replaceKey } from './request-index.ts';
import { indexRunner, isCounted, isEnding, isLeaving, isPlaced } from './runner-index.ts';
import { move, stateWord } from './runner-state.ts';
import { type App, emptyApp, type LiveRequest, type LiveRunner, type World } from './world.ts';

/**
 * A step in progress: the world so far, and the decisions so far in the order in which they are carried out. It exists
 * only inside `step`. Its world is a private copy whose fields are replaced, because a copy at each change would cost
 * more than the change. The values of the fields never change.
 */
export interface Turn {
  readonly world: Draft;
  /** How many fields of the world were replaced. */
  edits: number;
  readonly now: Instant;
  readonly effects: Effect[];
  readonly notes: Note[];
  /** Apps and runners that changed. */
  readonly changedApps: Set<AliasName>;
  /** Changed apps whose offers of room haven't been updated since (offers.ts). */
  readonly staleOffers: Set<AliasName>;
  readonly changedRunners: Set<RunnerId>;
  /** How many due items this step may still carry out; the rest is due again immediately. */
  left: number;
}

type Draft = { -readonly [Field in keyof World]: World[Field] };

/**
 * Maximum number of due items per step, so that a step doesn't block everything else when many requests end at once.
 */
const dueAtOnce = 200;
/** Starting or ending a runner or an attempt costs as much as several items that only wait. */
export const heavy = 4;

/** Begins a step at `now`. */
export function beginTurn(world: World, now: Instant): Turn {
  return {
    world: { ...world },
    edits: 0,
    now,
    effects: [],
    notes: [],
    changedApps: new Set(),
    staleOffers: new Set(),
    changedRunners: new Set(),
    left: dueAtOnce,
  };
}

/** Replaces a field of the world. */
export function edit<Field extends keyof World>(turn: Turn, field: Field, value: World[Field]): void {
  turn.world[field] = value;
  turn.edits += 1;
}

/** Whether this step may do one more heavy item; if so, counts it. */
export function takeBudget(turn: Turn): boolean {
  if (turn.left <= 0) return false;
  turn.left -= heavy;
  return true;
}

/** A new UUID, unique in this world. */
export function newId(turn: Turn): string {
  const { seed, counter } = turn.world;
  edit(turn, 'counter', counter + 1);
  return uuidFrom(seed, counter);
}

/** Stores an app under its alias. */
export function putApp(turn: Turn, app: App): void {
  edit(turn, 'apps', turn.world.apps.set(app.alias, app));
  turn.changedApps.add(app.alias);
  turn.staleOffers.add(app.alias);
}

/** A new app, not stored yet. */
export function makeApp(turn: Turn, alias: AliasName, scale: ScaleSettings): App {
  const { appsMade } = turn.world;
  edit(turn, 'appsMade', appsMade + 1);
  return emptyApp(alias, appsMade, scale);
}

/** Sets the next instant at which time alone changes the app; `null`: never. */
export function wakeAppAt(turn: Turn, app: App, wakeAt: Instant | null): void {
  if (wakeAt === app.wakeAt) return;
  const key = (at: Instant | null) => (at === null ? null : [at, app.serial]);
  edit(turn, 'wakeups', replaceKey(turn.world.wakeups, key(app.wakeAt), key(wakeAt), app.alias));
  putApp(turn, { ...app, wakeAt });
}

/** Removes an app that has nothing left. */
export function dropApp(turn: Turn, app: App): void {
  wakeAppAt(turn, app, null);
  edit(turn, 'apps', turn.world.apps.delete(app.alias));
}

/** Changes some fields of an app; an unknown alias changes nothing. */
export function changeApp(turn: Turn, alias: AliasName, fields: Partial<App>): void {
  const app = turn.world.apps.get(alias);
  if (app !== undefined) putApp(turn, { ...app, ...fields });
}

/** Stores a request or, with `undefined`, removes it, and updates its app's index. */
export function putRequest(turn: Turn, id: RequestId, request: LiveRequest | undefined): void {
  const before = turn.world.requests.get(id);
  const requests = request === undefined ? turn.world.requests.delete(id) : turn.world.requests.set(id, request);
  edit(turn, 'requests', requests);
  const alias = (request ?? before)?.info.alias ?? '';
  const app = turn.world.apps.get(alias);
  if (app !== undefined) putApp(turn, { ...app, requests: indexRequest(app.requests, before, request) });
}

/**
 * Stores a runner or, with `undefined`, removes it, and updates its app's index. Use `moveRunner` to change its state.
 */
export function putRunner(turn: Turn, id: RunnerId, runner: LiveRunner | undefined): void {
  const before = turn.world.runners.get(id);
  const runners = runner === undefined ? turn.world.runners.delete(id) : turn.world.runners.set(id, runner);
  edit(turn, 'runners', runners);
  turn.changedRunners.add(id);
  const alias = (runner ?? before)?.alias ?? '';
  const app = turn.world.apps.get(alias);
  if (app !== undefined) {
    const after = { ...app, runners: indexRunner(app.runners, before, runner) };
    putApp(turn, after);
    countRoom(turn, app, after);
  }
  countRunner(turn, id, before, runner);
  if (before !== undefined) relateReplacement(turn, before, runner);
}

/** Updates an old runner and its replacement when one of them ends. */
function relateReplacement(turn: Turn, before: LiveRunner, after: LiveRunner | undefined): void {
  const { runners } = turn.world;
  if (before.role.kind === 'replacement' && after === undefined) {
    const old = runners.get(before.role.replaces);
    if (old?.substitute === before.id) putRunner(turn, old.id, { ...old, substitute: null });
  }
  if (before.substitute === null || !isCounted(before) || (after !== undefined && isCounted(after))) return;
  const substitute = runners.get(before.substitute);
  if (substitute?.role.kind !== 'replacement') return;
  putRunner(turn, substitute.id, { ...substitute, role: { ...substitute.role, isAlone: true } });
}

function countRoom(turn: Turn, before: App, after: App): void {
  if (before.runners.placedOnGpu > 0 === after.runners.placedOnGpu > 0) return;
  const key = (app: App) => (app.runners.placedOnGpu > 0 ? [app.serial] : null);
  edit(turn, 'gpuHolders', replaceKey(turn.world.gpuHolders, key(before), key(after), after.alias));
}

function countRunner(turn: Turn, id: RunnerId, before: LiveRunner | undefined, after: LiveRunner | undefined): void {
  const { world } = turn;
  const change = (is: (runner: LiveRunner | undefined) => boolean) => Number(is(after)) - Number(is(before));
  const [placed, leaving, ending] = [change(isPlaced), change(isLeaving), change(isEnding)];
  if (placed !== 0) edit(turn, 'placed', world.placed + placed);
  if (leaving !== 0) edit(turn, 'leaving', world.leaving + leaving);
  if (ending !== 0) edit(turn, 'ending', world.ending + ending);
  const key = (runner: LiveRunner | undefined) => (slotsOf(world.limits, runner) > 0 ? null : (runner?.turn ?? null));
  const line = replaceKey(world.line, key(before), key(after), id);
  if (line !== world.line) edit(turn, 'line', line);
  const gpu = countSlots(world.gpu, world.limits, { id, before, after });
  if (gpu !== world.gpu) edit(turn, 'gpu', gpu);
}

/**
 * Moves a runner to another state, together with other fields that change with it, and notes it. A move that isn't in
 * the table is refused: nothing changes, the refusal is noted, and the result is false. A TERMINATED runner leaves the
 * world.
 */
export function moveRunner(
  turn: Turn,
  runner: LiveRunner,
  to: RunnerState,
  text: string,
  fields: Partial<LiveRunner> = {},
): boolean {
  const moved = move(runner.state, to);
  if (!moved.ok) {
    note(turn, { alias: runner.alias, runnerId: runner.id, topic: 'runner.refused', text: moved.reason });
    return false;
  }
  if (moved.changed) noteState(turn, runner, stateWord(runner.state.kind), stateWord(to.kind), text);
  const gone = to.kind === 'terminated';
  putRunner(turn, runner.id, gone ? undefined : { ...runner, ...fields, state: moved.state });
  return true;
}

/** Notes a change of a runner's state. */
export function noteState(
  turn: Turn,
  runner: LiveRunner,
  from: string,
  to: string,
  text: string,
  reason?: Reason,
): void {
  const about = { alias: runner.alias, runnerId: runner.id, topic: 'runner.state', ...(reason && { reason }) };
  note(turn, { ...about, text, from, to });
}

/** Adds a note at the time of the step. */
export function note(turn: Turn, fields: Omit<Note, 'at'>): void {
  turn.notes.push({ at: turn.now, ...fields });
}
