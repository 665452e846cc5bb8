import { retire } from './ending.ts';
import { onlySettings } from './room.ts';
import { attemptsOf, isServing, isStarting } from './runner-index.ts';
import { floorOf } from './scaling.ts';
import { ascending, compareKeys, first, type Key, rank, size, values } from './sorted.ts';
import { grant } from './starting.ts';
import type { Turn } from './turn.ts';
import type { AliasName, Instant, RunnerId } from './types.ts';
import type { App, LiveRunner, World } from './world.ts';

/**
 * Who gets the machine's room for runners. The documents know only that a runner without capacity waits as PENDING, without counting as
 * a failure (platform page runner.md §1); who goes first, and who makes room, is ours.
 */

/**
 * A runner that serves requests is left in peace for this long before it has to make room for an app that has none, and so is an idle
 * one of min_concurrency while others drain for that app. Who waits for room is looked at again after as long.
 */
export const quantumMs = 10_000;

/** Gives free room to the next in the line, or asks a runner to make room for it. The app that this concerns; `undefined`: nothing to do. */
export function shareRoom(turn: Turn): AliasName | undefined {
  const { line, placed, leaving, ending, limits } = turn.world;
  const next = turn.world.runners.get(first(line)?.value ?? '');
  if (next === undefined) return undefined;
  if (placed < limits.runners) {
    grant(turn, next.id);
    return next.alias;
  }
  const taker = turn.world.apps.get(next.alias);
  // Places are made for those that requests wait for; the others count only where they are alone.
  const wanted = rank(line, onlySettings) || size(line);
  if (taker === undefined || ending >= wanted) return undefined;
  const waits = 'since' in next.state ? turn.now - next.state.since : 0;
  const offer = bestOffer(turn, { app: taker, waits, mayDrain: leaving < wanted });
  if (offer === undefined) return undefined;
  const alias = turn.world.runners.get(offer.runnerId)?.alias;
  retire(turn, offer.runnerId, 'capacity');
  return alias;
}

interface Taker {
  readonly app: App;
  /** Milliseconds in the line. */
  readonly waits: number;
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
    const offer = app === undefined || app.alias === taker.app.alias ? undefined : offerOf(world, app, taker, now);
    if (offer !== undefined && (best === undefined || compareKeys(offer.key, best.key) < 0)) best = offer;
  }
  return best;
}

/**
 * What the app can spare for another one that waits for room: first an idle runner that nothing wants. Only where requests wait there,
 * also one of its buffer, then one of more than the other has, and where the other has none, any, idle ones before busy ones: a request
 * that never runs is worse than a cold start.
 */
function offerOf(world: World, app: App, taker: Taker, now: Instant): Offer | undefined {
  const idle = oldestIdle(app);
  const { serving, counted, placed } = app.runners;
  const { minConcurrency } = app.scale;
  if (idle !== undefined && serving > floorOf(app)) return { key: [0, idle.since], runnerId: idle.runnerId };
  if (taker.app.requests.waiting === null) return undefined;
  if (idle !== undefined && counted > minConcurrency) return { key: [1, idle.since], runnerId: idle.runnerId };
  const has = taker.app.runners.placed;
  const runners = taker.mayDrain ? members(world, app) : [];
  const cheapest = runners[0];
  if (cheapest !== undefined && placed > has + 1 && counted > minConcurrency) {
    return { key: [2, -placed], runnerId: cheapest.id };
  }
  if (has > 0) return undefined;
  if (idle !== undefined && (taker.mayDrain || taker.waits >= quantumMs)) {
    return { key: [3, -placed], runnerId: idle.runnerId };
  }
  const due = runners.find(({ state, readyAt }) => isServing(state) && now - (readyAt ?? now) >= quantumMs);
  return due && { key: [4, -placed], runnerId: due.id };
}

function oldestIdle(app: App): { readonly since: Instant; readonly runnerId: RunnerId } | undefined {
  const used = first(app.runners.idleUsed);
  const fresh = first(app.runners.idleFresh);
  const entry = used === undefined || (fresh !== undefined && compareKeys(fresh.key, used.key) < 0) ? fresh : used;
  return entry && { since: entry.key[0] ?? 0, runnerId: entry.value };
}

/** The app's runners that have room and stay, the one that is missed least first: the latest that only starts, then the least busy. */
function members(world: World, app: App): readonly LiveRunner[] {
  return values(app.runners.all)
    .map((id) => world.runners.get(id))
    .filter((runner) => runner !== undefined)
    .filter(
      ({ role, turn, state }) => role.kind === 'member' && turn === null && (isStarting(state) || isServing(state)),
    )
    .sort((a, b) => worth(a) - worth(b) || b.serial - a.serial);
}

function worth({ state }: LiveRunner): number {
  return isStarting(state) ? -1 : attemptsOf(state).length;
}
