import { handOver } from '../rollout.ts';
import { retire } from '../runners/ending.ts';
import { grant } from '../runners/starting.ts';
import { floorOf } from '../scaling.ts';
import type { AliasName, Instant, RunnerId } from '../types.ts';
import { attemptsOf, isCounted, isPlaced, isServing, isStarting } from '../world/runner-index.ts';
import { ascending, compareKeys, type Entry, type Key, rank, type Sorted, size, values } from '../world/sorted.ts';
import type { Turn } from '../world/turn.ts';
import type { App, LiveRunner, World } from '../world/world.ts';
import { freeSlots, slotsOf } from './gpu-slots.ts';
import { offersNow, oldestIdle, quantumMs } from './offers.ts';
import { lackOf, nextForSlots, nextInLine, onlySettings } from './room.ts';

/**
 * Who gets the machine's room for runners. The documents know only that a runner without capacity waits as PENDING,
 * without counting as a failure (docs/platform/runners.md#states); who goes first, and who makes room, is ours. GPU
 * slots are a second kind of room.
 */

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

/**
 * What an app can spare for another one that waits for room: first an idle runner that nothing wants. Only where
 * requests or a deploy wait there, also one of its buffer, then one of more than the other has, and where the other has
 * none, any, idle ones before busy ones: a request that never runs is worse than a cold start.
 */
function bestOffer(turn: Turn, taker: Taker): Offer | undefined {
  return taker.forSlot ? bestOfSlots(turn, taker) : bestOfRoom(turn, taker);
}

function bestOfRoom(turn: Turn, taker: Taker): Offer | undefined {
  const { world, now } = turn;
  const { spare, buffered, richer, resting, ripe } = offersNow(turn);
  const offer = (tree: Sorted<AliasName>, choose: (app: App) => RunnerId | undefined): Offer | undefined => {
    const app = world.apps.get(firstOther(tree, taker.app.alias)?.value ?? '');
    const runnerId = app && choose(app);
    return runnerId === undefined ? undefined : { key: [0], runnerId };
  };
  const idle = (app: App) => oldestIdle(app)?.runnerId;
  const surplus = offer(spare, idle);
  if (surplus !== undefined || !isPressing(taker)) return surplus;
  const ofBuffer = offer(buffered, idle);
  if (ofBuffer !== undefined) return ofBuffer;
  const { mayDrain, waits } = taker;
  const has = taker.app.runners.placed;
  const most = -(firstOther(richer, taker.app.alias)?.key[0] ?? 0);
  if (mayDrain && most > has + 1) return offer(richer, (app) => members(world, app, false)[0]?.id);
  if (has > 0) return undefined;
  const any = mayDrain || waits >= quantumMs ? offer(resting, idle) : undefined;
  if (any !== undefined || !mayDrain) return any;
  return offer(ripe, (app) => members(world, app, false).find((runner) => hasServedLong(runner, now))?.id);
}

/** The first that isn't the taker itself. */
function firstOther(tree: Sorted<AliasName>, alias: AliasName): Entry<AliasName> | undefined {
  for (const entry of ascending(tree)) if (entry.value !== alias) return entry;
  return undefined;
}

function isPressing({ app, runner }: Taker): boolean {
  return app.requests.waiting !== null || runner.role.kind !== 'member';
}

function hasServedLong({ state, readyAt }: LiveRunner, now: Instant): boolean {
  return isServing(state) && now - (readyAt ?? now) >= quantumMs;
}

/** There are never more holders than GPU slots, and this is asked only when all of them are taken. */
function bestOfSlots({ world, now }: Turn, taker: Taker): Offer | undefined {
  let best: Offer | undefined;
  for (const { value } of ascending(world.gpuHolders)) {
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
function ownOffer(world: World, { runner: { role }, app, mayDrain }: Taker): Offer | undefined {
  if (role.kind === 'member') return undefined;
  const old = members(world, app, true).find(({ id }) => role.kind === 'check' || id === role.replaces);
  const isFree = old !== undefined && worth(old) <= 0;
  return old !== undefined && (isFree || mayDrain) ? { key: [1], runnerId: old.id } : undefined;
}

/** As `bestOfRoom`, for one app and its GPU slots. */
function offerOf(world: World, app: App, taker: Taker, now: Instant): Offer | undefined {
  const placed = app.runners.placedOnGpu;
  const idle = oldestIdleOnGpu(world, app);
  const { serving, counted } = app.runners;
  const { minConcurrency } = app.scale;
  if (idle !== undefined && serving > floorOf(app)) return { key: [0, idle.key[0] ?? 0], runnerId: idle.value };
  if (!isPressing(taker)) return undefined;
  if (idle !== undefined && counted > minConcurrency) return { key: [2, idle.key[0] ?? 0], runnerId: idle.value };
  const has = taker.app.runners.placedOnGpu;
  const runners = taker.mayDrain ? members(world, app, true) : [];
  const cheapest = runners[0];
  if (cheapest !== undefined && placed > has + 1 && counted > minConcurrency) {
    return { key: [3, -placed], runnerId: cheapest.id };
  }
  if (has > 0) return undefined;
  if (idle !== undefined && (taker.mayDrain || taker.waits >= quantumMs)) {
    return { key: [4, -placed], runnerId: idle.value };
  }
  const due = runners.find((runner) => hasServedLong(runner, now));
  return due && { key: [5, -placed], runnerId: due.id };
}

function oldestIdleOnGpu(world: World, { runners }: App): Entry<RunnerId> | undefined {
  const [used, fresh] = [oldest(world, runners.idleUsed), oldest(world, runners.idleFresh)];
  return used === undefined || (fresh !== undefined && compareKeys(fresh.key, used.key) < 0) ? fresh : used;
}

function oldest(world: World, idle: Sorted<RunnerId>): Entry<RunnerId> | undefined {
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
    .filter((runner) => isCounted(runner) && isPlaced(runner))
    .sort((a, b) => worth(a) - worth(b) || b.serial - a.serial);
}

function worth({ state }: LiveRunner): number {
  return isStarting(state) ? -1 : attemptsOf(state).length;
}
