import { handOver } from '../rollout.ts';
import { retire } from '../runners/ending.ts';
import { grant } from '../runners/starting.ts';
import { floorOf } from '../scaling.ts';
import type { AliasName, Instant, RunnerId } from '../types.ts';
import { runnersOfApp } from '../world/app-runners.ts';
import { attemptsOf, isCounted, isPlaced, isServing, isStarting } from '../world/runner-index.ts';
import { ascending, compareKeys, type Entry, type Key, rank, type Sorted, size } from '../world/sorted.ts';
import type { Turn } from '../world/turn.ts';
import type { App, LiveRunner, World } from '../world/world.ts';
import { freeSlots, isSameKind, poolOf, slotsOf } from './gpu-slots.ts';
import { offersNow, oldestIdle, quantumMs } from './offers.ts';
import { changeLine, lackOf, nextForSlots, nextInLine, nextOfOthers, onlySettings } from './room.ts';

/**
 * Distributes the machine's capacity for runners. The documentation only says that a runner without capacity waits as
 * PENDING, which isn't a failure (docs/platform/runners.md#states). The order, and the choice of the runner that makes
 * room, are minifal's own. GPU slots are a second kind of capacity.
 */

/**
 * Gives free capacity to the next runner in line, or asks a runner to make room for it. Returns the affected app;
 * `undefined`: nothing to do.
 */
export function shareRoom(turn: Turn): AliasName | undefined {
  changeLine(turn);
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
  const others = nextOfOthers(turn.world);
  for (const runner of others) {
    // One slot is enough for it, of whichever kind.
    const isComing = [...heads, ...others].some((one) => one.id === runner.id && isEndingFor(turn.world, one));
    const alias = isComing ? undefined : makeRoomOnOther(turn, runner);
    if (alias !== undefined) return alias;
  }
  return undefined;
}

/** Asks a runner to make room for `next`, the next runner in its line. */
function makeRoom(turn: Turn, next: LiveRunner): AliasName | undefined {
  const { world } = turn;
  const forSlot = lackOf(world, next) === 'slots';
  const { wanted, leaving, ending } = forSlot ? slotDemand(world, next) : roomDemand(world);
  return ending >= wanted ? undefined : ask(turn, next, forSlot, leaving < wanted);
}

/** Whether runners are ending that give `next` what it lacks of its kind of GPU. */
function isEndingFor(world: World, next: LiveRunner): boolean {
  return poolOf(world.gpu, next).ending >= slotsOf(world.limits, next) - freeSlots(world, next);
}

/** Asks an idle runner to make room for `next`, which waits for another kind of GPU than `next.gpu`. */
function makeRoomOnOther(turn: Turn, next: LiveRunner): AliasName | undefined {
  const { world } = turn;
  const wanted = slotsOf(world.limits, next) - freeSlots(world, next);
  const isFreed = poolOf(world.gpu, next).leaving >= wanted;
  return isFreed || lackOf(world, next) !== 'slots' ? undefined : ask(turn, next, true, false);
}

function ask(turn: Turn, next: LiveRunner, forSlot: boolean, mayDrain: boolean): AliasName | undefined {
  const { world, now } = turn;
  const app = world.apps.get(next.alias);
  if (app === undefined) return undefined;
  const waits = 'since' in next.state ? now - next.state.since : 0;
  const offer = bestOffer(turn, { runner: next, app, waits, forSlot, mayDrain });
  const runner = world.runners.get(offer?.runnerId ?? '');
  if (runner === undefined) return undefined;
  if (runner.alias !== app.alias) retire(turn, runner.id, 'capacity');
  else if (next.role.kind === 'replacement') handOver(turn, next, runner);
  else retire(turn, runner.id, 'handover');
  return runner.alias;
}

/** The demand of the runners in line, and how much capacity is being freed for it. */
interface Demand {
  readonly wanted: number;
  readonly leaving: number;
  readonly ending: number;
}

/** Room is made for runners that requests wait for; other runners count only if they are alone in the line. */
function roomDemand(world: World): Demand {
  const { line, leaving, ending } = world;
  const waiting = nextForSlots(world).filter((head) => lackOf(world, head) === 'room');
  const pressingOnes = waiting.filter((head) => compareKeys(head.turn ?? [], onlySettings) < 0);
  const pressing = rank(line, onlySettings) + pressingOnes.length;
  return { wanted: pressing || size(line) + waiting.length, leaving, ending };
}

/** The same for GPU slots, but counts only the demand beyond what is being freed. */
function slotDemand(world: World, next: LiveRunner): Demand {
  const { limits } = world;
  const gpu = poolOf(world.gpu, next);
  const free = freeSlots(world, next);
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
  /** Milliseconds spent in the line. */
  readonly waits: number;
  /** The taker needs a GPU slot, so only runners that hold one can make room. */
  readonly forSlot: boolean;
  /** False if enough busy runners drain already. Draining may take long, so idle runners are still asked. */
  readonly mayDrain: boolean;
}

interface Offer {
  /** The least key comes first. */
  readonly key: Key;
  readonly runnerId: RunnerId;
}

/**
 * The best runner that an app can give up for another app that waits for room: first a surplus idle runner. Only if
 * requests or a deploy wait in the other app: next a runner of the buffer, then a runner of an app that has more
 * runners than the other app. If the other app has none, any runner, idle before busy: a request that never runs is
 * worse than a cold start.
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
  if (mayDrain && most > has + 1) return offer(richer, (app) => members(world, app)[0]?.id);
  if (has > 0) return undefined;
  const any = mayDrain || waits >= quantumMs ? offer(resting, idle) : undefined;
  if (any !== undefined || !mayDrain) return any;
  return offer(ripe, (app) => members(world, app).find((runner) => hasServedLong(runner, now))?.id);
}

/** The first app that isn't the taker itself. */
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

/**
 * Iterates over the holders: there are never more holders than GPU slots, and this is called only when all slots are
 * taken.
 */
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
 * An app makes room for itself only if its new revision, or a replacement, needs the GPU slot of an old runner. It
 * doesn't have to while another app has a surplus idle runner.
 */
function ownOffer(world: World, { runner, app, mayDrain }: Taker): Offer | undefined {
  const { role } = runner;
  if (role.kind === 'member') return undefined;
  const old = members(world, app, runner).find(({ id }) => role.kind === 'check' || id === role.replaces);
  const isFree = old !== undefined && worth(old) <= 0;
  return old !== undefined && (isFree || mayDrain) ? { key: [1], runnerId: old.id } : undefined;
}

/** Like `bestOfRoom`, for one app and its GPU slots. */
function offerOf(world: World, app: App, taker: Taker, now: Instant): Offer | undefined {
  const placed = app.runners.placedOnGpu;
  const idle = oldestIdleOnGpu(world, app, taker.runner);
  const { serving, counted } = app.runners;
  const { minConcurrency } = app.scale;
  if (idle !== undefined && serving > floorOf(app)) return { key: [0, idle.key[0] ?? 0], runnerId: idle.value };
  if (!isPressing(taker)) return undefined;
  if (idle !== undefined && counted > minConcurrency) return { key: [2, idle.key[0] ?? 0], runnerId: idle.value };
  const has = taker.app.runners.placedOnGpu;
  const runners = taker.mayDrain ? members(world, app, taker.runner) : [];
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

function oldestIdleOnGpu(world: World, { runners }: App, taker: LiveRunner): Entry<RunnerId> | undefined {
  const [used, fresh] = [oldest(world, runners.idleUsed, taker), oldest(world, runners.idleFresh, taker)];
  return used === undefined || (fresh !== undefined && compareKeys(fresh.key, used.key) < 0) ? fresh : used;
}

function oldest(world: World, idle: Sorted<RunnerId>, taker: LiveRunner): Entry<RunnerId> | undefined {
  for (const entry of ascending(idle)) if (hasSlotFor(taker, world.runners.get(entry.value))) return entry;
  return undefined;
}

/** Whether a runner has a slot that `taker` can use. */
function hasSlotFor(taker: LiveRunner, runner: LiveRunner | undefined): boolean {
  return runner !== undefined && runner.settings.gpuSlots > 0 && isSameKind(runner, taker);
}

/**
 * The app's runners that take up room and aren't leaving, the least useful first: the latest starting one, then the
 * least busy. `taker`: only those that have a GPU slot for it.
 */
function members(world: World, app: App, taker?: LiveRunner): readonly LiveRunner[] {
  return runnersOfApp(world, app.alias)
    .filter((runner) => taker === undefined || hasSlotFor(taker, runner))
    .filter((runner) => isCounted(runner) && isPlaced(runner))
    .sort((a, b) => worth(a) - worth(b) || b.serial - a.serial);
}

function worth({ state }: LiveRunner): number {
  return isStarting(state) ? -1 : attemptsOf(state).length;
}
