import { retire } from './ending.ts';
import { freeSlots, slotsOf } from './gpu-slots.ts';
import { handOver } from './rollout.ts';
import { lackOf, nextForSlots, nextInLine, onlySettings } from './room.ts';
import { attemptsOf, isServing, isStarting } from './runner-index.ts';
import { floorOf } from './scaling.ts';
import { ascending, compareKeys, type Entry, first, type Key, rank, type Sorted, size, values } from './sorted.ts';
import { grant } from './starting.ts';
import type { Turn } from './turn.ts';
import type { AliasName, Instant, RunnerId } from './types.ts';
import type { App, LiveRunner, World } from './world.ts';

/**
 * Who gets the machine's room for runners. The documents know only that a runner without capacity waits as PENDING,
 * without counting as a failure (platform page runner.md §1); who goes first, and who makes room, is ours. GPU slots
 * are a second kind of room.
 */

/**
 * A runner that serves requests is left in peace for this long before it has to make room for an app that has none, and
 * so is an idle one of min_concurrency while others drain for that app. Who waits for room is looked at again after as
 * long.
 */
export const quantumMs = 10_000;

/**
 * Gives free room to the next in the line, or asks a runner to make room for it. The app that this concerns;
 * `undefined`: nothing to do.
 */
export function shareRoom(turn: Turn): AliasName | undefined {
  const heads = nextInLine(turn.world);
  const next = heads.find((runner) => lackOf(turn.world, runner) === null);
  if (next !== undefined) {
    grant(turn, next.id);
    return next.alias;
  }
  for (const runner of heads) {
    const alias = makeRoom(turn, runner);
    if (alias !== undefined) return alias;
  }
  return undefined;
}

/** Asks a runner to make room for this one, the next in its line. */
function makeRoom(turn: Turn, next: LiveRunner): AliasName | undefined {
  const { world, now } = turn;
  const app = world.apps.get(next.alias);
  const forSlot = lackOf(world, next) === 'slots';
  const { wanted, leaving, ending } = forSlot ? slotDemand(world) : roomDemand(world);
  if (app === undefined || ending >= wanted) return undefined;
  const waits = 'since' in next.state ? now - next.state.since : 0;
  const offer = bestOffer(turn, { runner: next, app, waits, forSlot, mayDrain: leaving < wanted });
  const runner = world.runners.get(offer?.runnerId ?? '');
  if (runner === undefined) return undefined;
  if (runner.alias !== app.alias) retire(turn, runner.id, 'capacity');
  else if (next.role.kind === 'replacement') handOver(turn, next, runner);
  else retire(turn, runner.id, 'handover');
  return runner.alias;
}

/** How much those in the line want, and how much of it becomes free. */
interface Demand {
  readonly wanted: number;
  readonly leaving: number;
  readonly ending: number;
}

/** Places are made for those that requests wait for; the others count only where they are alone. */
function roomDemand(world: World): Demand {
  const { line, leaving, ending } = world;
  const head = nextForSlots(world);
  const waits = head !== undefined && lackOf(world, head) === 'room';
  const pressing = rank(line, onlySettings) + Number(waits && rank(world.gpu.line, onlySettings) > 0);
  return { wanted: pressing || size(line) + Number(waits), leaving, ending };
}

/** The same for GPU slots, counted only as far as it is more than what becomes free. */
function slotDemand(world: World): Demand {
  const { gpu, limits } = world;
  const free = freeSlots(world);
  let wanted = -free;
  for (const { key, value } of ascending(gpu.line)) {
    if (wanted > gpu.leaving || (wanted > -free && compareKeys(key, onlySettings) >= 0)) break;
    wanted += slotsOf(limits, world.runners.get(value));
  }
  return { wanted, leaving: gpu.leaving, ending: gpu.ending };
}

interface Taker {
  readonly runner: LiveRunner;
  readonly app: App;
  /** Milliseconds in the line. */
  readonly waits: number;
  /** It lacks a GPU slot: only runners that hold one can help. */
  readonly forSlot: boolean;
  /** Otherwise enough busy runners drain already; that may take long, so idle ones are asked all the same. */
  readonly mayDrain: boolean;
}

interface Offer {
  /** The least comes first. */
  readonly key: Key;
  readonly runnerId: RunnerId;
}

/** There are never more holders than the machine has room for, and this is asked only when it is full. */
function bestOffer({ world, now }: Turn, taker: Taker): Offer | undefined {
  let best: Offer | undefined;
  for (const { value } of ascending(world.holders)) {
    const app = world.apps.get(value);
    if (app === undefined) continue;
    const offer = app.alias === taker.app.alias ? ownOffer(world, taker) : offerOf(world, app, taker, now);
    if (offer !== undefined && (best === undefined || compareKeys(offer.key, best.key) < 0)) best = offer;
  }
  return best;
}

/**
 * An app makes room for itself only where its new revision, or a replacement, needs the GPU slot of an old runner.
 * While another app has an idle runner that nothing wants, it doesn't have to.
 */
function ownOffer(world: World, { runner: { role }, app, forSlot, mayDrain }: Taker): Offer | undefined {
  if (role.kind === 'member') return undefined;
  const old = members(world, app, forSlot).find(({ id }) => role.kind === 'check' || id === role.replaces);
  const isFree = old !== undefined && worth(old) <= 0;
  return old !== undefined && (isFree || mayDrain) ? { key: [1], runnerId: old.id } : undefined;
}

/**
 * What the app can spare for another one that waits for room: first an idle runner that nothing wants. Only where
 * requests or a deploy wait there, also one of its buffer, then one of more than the other has, and where the other has
 * none, any, idle ones before busy ones: a request that never runs is worse than a cold start.
 */
function offerOf(world: World, app: App, taker: Taker, now: Instant): Offer | undefined {
  const { forSlot } = taker;
  const placed = placedOf(app, forSlot);
  const idle = oldestIdle(world, app, forSlot);
  const { serving, counted } = app.runners;
  const { minConcurrency } = app.scale;
  if (idle !== undefined && serving > floorOf(app)) return { key: [0, idle.since], runnerId: idle.runnerId };
  if (taker.app.requests.waiting === null && taker.runner.role.kind === 'member') return undefined;
  if (idle !== undefined && counted > minConcurrency) return { key: [2, idle.since], runnerId: idle.runnerId };
  const has = placedOf(taker.app, forSlot);
  const runners = taker.mayDrain ? members(world, app, forSlot) : [];
  const cheapest = runners[0];
  if (cheapest !== undefined && placed > has + 1 && counted > minConcurrency) {
    return { key: [3, -placed], runnerId: cheapest.id };
  }
  if (has > 0) return undefined;
  if (idle !== undefined && (taker.mayDrain || taker.waits >= quantumMs)) {
    return { key: [4, -placed], runnerId: idle.runnerId };
  }
  const due = runners.find(({ state, readyAt }) => isServing(state) && now - (readyAt ?? now) >= quantumMs);
  return due && { key: [5, -placed], runnerId: due.id };
}

function placedOf({ runners }: App, onGpu: boolean): number {
  return onGpu ? runners.placedOnGpu : runners.placed;
}

type Idle = { readonly since: Instant; readonly runnerId: RunnerId } | undefined;

function oldestIdle(world: World, app: App, onGpu: boolean): Idle {
  const used = oldest(world, app.runners.idleUsed, onGpu);
  const fresh = oldest(world, app.runners.idleFresh, onGpu);
  const entry = used === undefined || (fresh !== undefined && compareKeys(fresh.key, used.key) < 0) ? fresh : used;
  return entry && { since: entry.key[0] ?? 0, runnerId: entry.value };
}

function oldest(world: World, idle: Sorted<RunnerId>, onGpu: boolean): Entry<RunnerId> | undefined {
  if (!onGpu) return first(idle);
  for (const entry of ascending(idle)) if (isOnGpu(world.runners.get(entry.value))) return entry;
  return undefined;
}

function isOnGpu(runner: LiveRunner | undefined): boolean {
  return runner !== undefined && runner.settings.gpuSlots > 0;
}

/**
 * The app's runners that have room and stay, the one that is missed least first: the latest that only starts, then the
 * least busy.
 */
function members(world: World, app: App, onGpu: boolean): readonly LiveRunner[] {
  return values(app.runners.all)
    .map((id) => world.runners.get(id))
    .filter((runner) => runner !== undefined)
    .filter((runner) => !onGpu || isOnGpu(runner))
    .filter(
      ({ role, turn, state }) => role.kind === 'member' && turn === null && (isStarting(state) || isServing(state)),
    )
    .sort((a, b) => worth(a) - worth(b) || b.serial - a.serial);
}

function worth({ state }: LiveRunner): number {
  return isStarting(state) ? -1 : attemptsOf(state).length;
}
