import { floorOf } from '../scaling.ts';
import type { AliasName, Instant, RunnerId } from '../types.ts';
import { IdMap } from '../world/id-map.ts';
import type { OfferMarks, Offers } from '../world/indexes.ts';
import { replaceKey } from '../world/request-index.ts';
import { first, insert, type Key, remove, type Sorted } from '../world/sorted.ts';
import { edit, type Turn } from '../world/turn.ts';
import type { App } from '../world/world.ts';

/**
 * Finds the app that can give up room for another one without iterating over all apps. The index is needed only while a
 * runner waits for room, so it is updated then, for the apps that have changed since the last update.
 */

/**
 * The guaranteed time for which a runner that serves requests doesn't have to make room for an app without runners. It
 * also applies to an idle runner of min_concurrency while others drain for that app. The line for room is checked again
 * after the same time.
 */
export const quantumMs = 10_000;

const nothingStale = IdMap.empty<AliasName, true>();

type Idle = { readonly since: Instant; readonly runnerId: RunnerId } | undefined;

/** The current offers of all apps. */
export function offersNow(turn: Turn): Offers {
  const { world, staleOffers } = turn;
  const before = ripened(world.offers, turn.now);
  let offers = before;
  for (const alias of staleOffers) offers = looked(offers, alias, world.apps.get(alias));
  for (const alias of before.stale.keys()) {
    if (!staleOffers.has(alias)) offers = looked(offers, alias, world.apps.get(alias));
  }
  staleOffers.clear();
  if (before.stale.size > 0) offers = { ...offers, stale: nothingStale };
  if (offers !== world.offers) edit(turn, 'offers', offers);
  return offers;
}

/** Records at the end of a step which apps it changed. */
export function rememberStale(turn: Turn): void {
  let { stale } = turn.world.offers;
  for (const alias of turn.staleOffers) stale = stale.set(alias, true);
  if (stale !== turn.world.offers.stale) edit(turn, 'offers', { ...turn.world.offers, stale });
}

/** The app's longest idle runner, which it needs least. */
export function oldestIdle({ runners }: App): Idle {
  const [used, fresh] = [first(runners.idleUsed), first(runners.idleFresh)];
  const isFresh = fresh !== undefined && (used === undefined || isBefore(fresh.key, used.key));
  const entry = isFresh ? fresh : used;
  return entry && { since: entry.key[0] ?? 0, runnerId: entry.value };
}

function isBefore([since = 0, serial = 0]: Key, [otherSince = 0, otherSerial = 0]: Key): boolean {
  return since < otherSince || (since === otherSince && serial < otherSerial);
}

function marksOf(app: App): OfferMarks {
  const { serial, runners, scale } = app;
  const idle = oldestIdle(app);
  const isAboveMinimum = runners.counted > scale.minConcurrency;
  const bySize = [-runners.placed, serial];
  const bySince = idle && [idle.since, serial];
  const longest = first(runners.readySince);
  return {
    spare: bySince && runners.serving > floorOf(app) ? bySince : null,
    buffered: bySince && isAboveMinimum ? bySince : null,
    richer: isAboveMinimum && runners.staying > 0 ? bySize : null,
    resting: bySince ? bySize : null,
    busy: longest ? bySize : null,
    ripeAt: (longest?.key[0] ?? 0) + quantumMs,
    serial,
  };
}

/** The offers, including those that became due by now. */
function ripened(offers: Offers, now: Instant): Offers {
  if (now <= offers.ripeUntil) return offers;
  let { ripe, unripe } = offers;
  for (let next = first(unripe); next && (next.key[0] ?? 0) <= now; next = first(unripe)) {
    ripe = insert(ripe, offers.known.get(next.value)?.busy ?? [], next.value);
    unripe = remove(unripe, next.key);
  }
  return { ...offers, ripe, unripe, ripeUntil: now };
}

function looked(offers: Offers, alias: AliasName, app: App | undefined): Offers {
  const was = offers.known.get(alias);
  const is = app === undefined || app.runners.placed === 0 ? undefined : marksOf(app);
  if (was === undefined && is === undefined) return offers;
  const put = (tree: Sorted<AliasName>, key: (marks: OfferMarks) => Key | null) =>
    replaceKey(tree, was === undefined ? null : key(was), is === undefined ? null : key(is), alias);
  const { ripeUntil } = offers;
  const known: IdMap<AliasName, OfferMarks> =
    is === undefined ? offers.known.delete(alias) : offers.known.set(alias, is);
  return {
    ...offers,
    known,
    spare: put(offers.spare, ({ spare }) => spare),
    buffered: put(offers.buffered, ({ buffered }) => buffered),
    richer: put(offers.richer, ({ richer }) => richer),
    resting: put(offers.resting, ({ resting }) => resting),
    ripe: put(offers.ripe, ({ busy, ripeAt }) => (ripeAt <= ripeUntil ? busy : null)),
    unripe: put(offers.unripe, ({ busy, ripeAt, serial }) => (busy && ripeAt > ripeUntil ? [ripeAt, serial] : null)),
  };
}
