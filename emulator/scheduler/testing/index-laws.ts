import { offersNow } from '../machine/offers.ts';
import type { Instant } from '../types.ts';
import { IdMap } from '../world/id-map.ts';
import { noOffers, type RunnerIndex } from '../world/indexes.ts';
import { indexRequest } from '../world/request-index.ts';
import { indexRunner, isCounted, isEnding, isLeaving, isPlaced } from '../world/runner-index.ts';
import { ascending, type Sorted } from '../world/sorted.ts';
import { beginTurn } from '../world/turn.ts';
import { type App, emptyApp, type LiveRunner, type World } from '../world/world.ts';
import { law } from './law.ts';

/** Checks that the incrementally updated indexes equal a recount of all runners and requests. */
export function checkIndexes(world: World, now: Instant): void {
  const runners = [...world.runners.values()];
  const requests = [...world.requests.values()];
  const empty = emptyApp('', 0, { ...([...world.apps.values()][0]?.scale as App['scale']) });
  for (const [alias, app] of world.apps) {
    const own = runners.filter((runner) => runner.alias === alias);
    const counted = own.reduce((index, runner) => indexRunner(index, undefined, runner), empty.runners);
    same(plain(app.runners), plain(counted), 'the index of runners is what a recount finds');
    const waiting = requests
      .filter(({ info }) => info.alias === alias)
      .reduce((index, request) => indexRequest(index, undefined, request), empty.requests);
    same(plain(app.requests), plain(waiting), 'the index of requests is what a recount finds');
    for (const runner of own) checkReplacement(world, runner);
  }
  const count = (is: (runner: LiveRunner) => boolean): number => runners.filter(is).length;
  const { placed, leaving, ending } = world;
  same([placed, leaving, ending], [count(isPlaced), count(isLeaving), count(isEnding)], 'the room in use is counted');
  const holders = [...world.apps.values()].filter((app) => app.runners.placedOnGpu > 0).map(({ alias }) => alias);
  same(entries(world.gpuHolders).map(last).sort(), holders.sort(), 'the holders of GPU slots are known');
  // Without a limit, no runner ever waits for room.
  if (world.limits.runners !== Number.POSITIVE_INFINITY) checkOffers(world, now);
  const inLine = runners.filter(({ turn }) => turn !== null).map(({ id }) => id);
  const lines = [...entries(world.line), ...[...world.gpu.values()].flatMap((pool) => entries(pool.line))].map(last);
  same(lines.sort(), inLine.sort(), 'who waits for room is in a line');
  for (const { name, slots, machineTypes } of world.limits.gpuKinds ?? []) {
    const others = runners.filter(
      ({ turn, gpu, settings: { gpuSlots, gpuTypes = [] } }) =>
        turn !== null &&
        gpu?.kind !== name &&
        gpuSlots > 0 &&
        gpuSlots <= slots &&
        machineTypes.some((type) => gpuTypes.includes(type)),
    );
    const known = entries(world.gpu.get(name)?.others ?? null).map(last);
    same(known.sort(), others.map(({ id }) => id).sort(), 'who could use another kind of GPU is known');
  }
  const wakeups = [...world.apps.values()].flatMap(({ wakeAt, alias }) => (wakeAt === null ? [] : [[wakeAt, alias]]));
  const known = entries(world.wakeups).map(([key, alias]) => [key?.[0], alias]);
  same(known.map(String).sort(), wakeups.map(String).sort(), 'every wake-up is known');
}

function checkOffers(world: World, now: Instant): void {
  let stale = IdMap.empty<string, true>();
  for (const alias of world.apps.keys()) stale = stale.set(alias, true);
  const kept = offersNow(beginTurn(world, now));
  const found = offersNow(beginTurn({ ...world, offers: { ...noOffers, stale } }, now));
  for (const name of ['spare', 'buffered', 'richer', 'resting', 'ripe', 'unripe'] as const) {
    same(entries(kept[name]), entries(found[name]), `which apps could make room is known: ${name}`);
  }
}

function checkReplacement(world: World, runner: LiveRunner): void {
  if (runner.role.kind !== 'replacement') return;
  const old = world.runners.get(runner.role.replaces);
  const waits = old !== undefined && isCounted(old);
  law(waits === (runner.role.isAlone !== true), 'a replacement knows whether it is alone', runner, old);
  law(!waits || old.substitute === runner.id, 'an old runner knows its replacement', runner, old);
}

function plain(index: RunnerIndex | App['requests']): unknown {
  return Object.entries(index).map(([name, value]) => {
    if (name === 'announcing')
      return [...(index as RunnerIndex).announcing].map(([hint, tree]) => [hint, entries(tree)]).sort();
    return [name, typeof value === 'number' ? value : entries(value as Sorted<string>)];
  });
}

function entries(tree: Sorted<string>): [readonly number[] | undefined, string][] {
  return [...ascending(tree)].map(({ key, value }) => [key, value]);
}

function last([, value]: [unknown, string]): string {
  return value;
}

function same(kept: unknown, found: unknown, text: string): void {
  const [left, right] = [JSON.stringify(kept), JSON.stringify(found)];
  law(left === right, text, left, right);
}
