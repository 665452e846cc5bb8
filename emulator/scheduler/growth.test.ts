import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Effect } from './effects.ts';
import type { Event } from './events.ts';
import { expirationCountdownSeconds } from './requests/select.ts';
import { nextWakeup, step } from './step.ts';
import { deployOf, requestOf, scaleOf, settingsOf } from './testing/samples.ts';
import { createSim } from './testing/sim.ts';
import { IdMap } from './world/id-map.ts';
import type { Limits } from './world/world.ts';

type Sim = ReturnType<typeof createSim>;

afterEach(() => {
  vi.restoreAllMocks();
});

/** Counts how many entries of the world's maps are read. All trees contain only IDs of these entries. */
function lookedAt(work: () => unknown): number {
  let count = 0;
  const { prototype } = IdMap<string, unknown>;
  const get = prototype.get;
  vi.spyOn(prototype, 'get').mockImplementation(function (this: IdMap<string, unknown>, key) {
    count += 1;
    return get.call(this, key);
  });
  for (const walk of ['keys', 'values', Symbol.iterator] as const) {
    const walks = prototype as unknown as { [W in typeof walk]: () => unknown };
    const original = walks[walk];
    vi.spyOn(walks, walk).mockImplementation(function (this: IdMap<string, unknown>) {
      count += this.size;
      return original.call(this);
    });
  }
  work();
  vi.restoreAllMocks();
  return count;
}

function withApps(count: number): Sim {
  const sim = createSim();
  for (let i = 0; i < count; i += 1) sim.deploy({ alias: `app-${i}` });
  sim.deploy();
  return sim;
}

function withRunners(count: number, limits: Partial<Limits> = {}): Sim {
  const sim = createSim(limits);
  sim.deploy({ scale: scaleOf({ minConcurrency: count, maxConcurrency: count }) });
  sim.after(0.1);
  expect(sim.bringUp()).toHaveLength(count);
  return sim;
}

describe('many things that end at once', () => {
  const many = Array.from({ length: 1_700 }, (_, i) => `r-${i}`);
  const failedIn = (effects: readonly Effect[]) => effects.filter(({ type }) => type === 'failRequest').length;

  it.each([
    ['a deleted application', { type: 'aliasDeleted', alias: 'app' }, 1_000],
    ['a start deadline', { type: 'tick' }, 5_000],
  ] as const)('ends in several steps: %s', (_title, event, at) => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ maxConcurrency: 0 }) });
    sim.submit(many, { startBy: 5_000 });
    const steps: number[] = [];
    let { world } = sim;
    const send = (next: Event, now: number): void => {
      const { effects, world: after } = step(world, next, now);
      steps.push(failedIn(effects));
      world = after;
    };
    send(event, at);
    for (let now = nextWakeup(world); now !== undefined; now = nextWakeup(world)) send({ type: 'tick' }, now);
    expect(steps).toEqual([...Array(8).fill(200), 100]);
    expect(world.requests.size).toBe(0);
    send({ type: 'aliasDeleted', alias: 'app' }, 9_000);
    expect(world.apps.size).toBe(0);
  });

  it('are not served by an application that reuses the name of the deleted one', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ maxConcurrency: 0 }) });
    sim.submit(many);
    const ended = failedIn(sim.send({ type: 'aliasDeleted', alias: 'app' })) + failedIn(sim.deploy());
    expect(ended).toBe(many.length);
    sim.submit(['new']);
    sim.bringUp();
    expect(sim.runnerOf('new')).toBeDefined();
  });
});

describe('an event for very many runners', () => {
  const count = 130;
  const all = scaleOf({ minConcurrency: count, maxConcurrency: count });
  const done = (effects: readonly Effect[]) =>
    effects.filter(({ type }) => ['startRunner', 'terminateRunner', 'killRunner', 'assign'].includes(type)).length;

  /** The number of starts, ends and assignments in each step after the event. */
  function steps(sim: Sim, event: Event): readonly number[] {
    const each: number[] = [];
    let [world, now] = [sim.world, sim.now];
    for (let next: Event | undefined = event; next; next = now > sim.now + 1_000 ? undefined : { type: 'tick' }) {
      const after = step(world, next, now);
      world = after.world;
      each.push(done(after.effects));
      for (const effect of after.effects) {
        if (effect.type !== 'assign') continue;
        const chosen = after.world.runners.get(effect.runnerId);
        expect(chosen?.leave, 'no request goes to a runner that is about to end').toBeNull();
      }
      now = nextWakeup(world) ?? Number.POSITIVE_INFINITY;
    }
    return each;
  }

  const busy = () => {
    const sim = withRunners(count);
    sim.submit(Array.from({ length: count }, (_, i) => `r-${i}`));
    sim.submit(['waits']);
    return sim;
  };

  it.each<[string, () => Sim, Event, number]>([
    ['a first deploy', () => createSim(), deployOf({ scale: all }), count],
    ['a deploy over idle ones', () => withRunners(count), deployOf({ scale: all, revision: 'rev2' }), 2 * count],
    ['a deletion', busy, { type: 'aliasDeleted', alias: 'app' }, count],
    ['a rollout', busy, { type: 'rolloutRequested', alias: 'app', force: false }, count],
    ['a forced rollout', busy, { type: 'rolloutRequested', alias: 'app', force: true }, 2 * count],
    ['the stop of the emulator', () => withRunners(count), { type: 'shutdown' }, count],
    [
      'a smaller max_concurrency',
      () => withRunners(count),
      { type: 'aliasScaled', alias: 'app', scale: scaleOf({ maxConcurrency: 1 }), settings: settingsOf() },
      count - 1,
    ],
  ])('is done in several steps: %s', (_title, begin, event, least) => {
    const each = steps(begin(), event);
    expect(Math.max(...each)).toBeLessThanOrEqual(51);
    expect(each.reduce((sum, n) => sum + n, 0)).toBeGreaterThanOrEqual(least);
  });

  it('is handled in several steps: the end of keep_alive, and requests for one runner', () => {
    const sim = createSim();
    sim.deploy({ settings: settingsOf({ maxMultiplexing: count }) });
    sim.submit(Array.from({ length: count }, (_, i) => `r-${i}`));
    const [runner] = sim.runners();
    const each = steps(sim, { type: 'runnerReady', runnerId: runner?.id ?? '' });
    expect(each.slice(0, 3)).toEqual([50, 50, 30]);

    const idle = withRunners(count);
    idle.send({ type: 'aliasScaled', alias: 'app', scale: scaleOf({ minConcurrency: 0 }), settings: settingsOf() });
    const ends: number[] = [];
    for (let now = nextWakeup(idle.world), { world } = idle; now !== undefined; now = nextWakeup(world)) {
      const after = step(world, { type: 'tick' }, now);
      world = after.world;
      if (after.effects.some(({ type }) => type === 'terminateRunner')) ends.push(done(after.effects));
      if (ends.length === 3) break;
    }
    expect(ends).toEqual([50, 50, 30]);
  });

  it('does not affect an app that is deployed in between', () => {
    const sim = busy();
    step(sim.world, { type: 'aliasDeleted', alias: 'app' }, sim.now);
    const { world } = step(sim.world, { type: 'aliasDeleted', alias: 'app' }, sim.now);
    let { world: after } = step(world, deployOf({ scale: scaleOf({ maxConcurrency: 1 }) }), sim.now);
    const old = new Set(sim.world.runners.keys());
    after = step(after, { type: 'requestArrived', request: requestOf('new') }, sim.now).world;
    for (let now = nextWakeup(after); now !== undefined && now < sim.now + 100; now = nextWakeup(after))
      after = step(after, { type: 'tick' }, now).world;
    for (const [id, runner] of after.runners)
      if (old.has(id)) expect(runner.state.kind, 'every old runner ends').toBe('terminating');
    expect(after.requests.get('new')?.place.kind).toBe('waiting');
  });
});

describe('the cost of an event', () => {
  it('does not grow with the number of unrelated apps', () => {
    const cost = (apps: number) => {
      const sim = withApps(apps);
      return lookedAt(() => {
        sim.submit(['a']);
        sim.bringUp();
        sim.end('a');
        sim.send({ type: 'tick' });
        nextWakeup(sim.world);
      });
    };
    // The test's own `bringUp` iterates over all apps.
    const walk = (apps: number) => {
      const sim = withApps(apps);
      return lookedAt(() => sim.runners());
    };
    expect(cost(1_000) - walk(1_000)).toBe(cost(10) - walk(10));
  });

  it.each([
    ['a request without a hint', (sim: Sim) => sim.submit(['a'])],
    ['a hint that nobody announces', (sim: Sim) => sim.submit(['a'], { hint: 'unknown' })],
    ['a hint that all announce', (sim: Sim) => sim.submit(['a'], { hint: 'common' })],
    ['the end of a request', (sim: Sim) => sim.end('busy', 200, ['common'])],
    ['a retry', (sim: Sim) => [sim.end('busy', 504), sim.after(2)]],
  ])('does not grow with the runners that could take %s', (_title, event) => {
    const cost = (runners: number) => {
      const sim = withRunners(runners);
      for (let i = 0; i < runners; i += 1) sim.submit([`first-${i}`]);
      for (let i = 0; i < runners; i += 1) sim.end(`first-${i}`, 200, ['common']);
      sim.submit(['busy']);
      return lookedAt(() => event(sim));
    };
    expect(cost(500)).toBe(cost(10));
  });

  it('does not grow with the number of apps on a full machine, for a request that only waits', () => {
    const cost = (apps: number) => {
      const sim = createSim({ runners: apps });
      const aliases = Array.from({ length: apps }, (_, i) => `app-${i}`);
      for (const alias of [...aliases, 'waits']) sim.deploy({ alias });
      for (const alias of aliases) sim.submit([`of ${alias}`], { alias });
      sim.bringUp();
      sim.submit(['waits'], { alias: 'waits' });
      sim.submit(['before'], { alias: 'app-0' });
      return lookedAt(() => sim.submit(['a'], { alias: 'app-0' }));
    };
    expect(cost(200)).toBe(cost(10));
  });

  it.each([
    ['the end of a request', (sim: Sim) => sim.end('of app-0')],
    ['a tick', (sim: Sim) => sim.send({ type: 'tick' })],
  ])('does not grow with the apps on a full machine where another one waits for room: %s', (_title, event) => {
    const cost = (apps: number) => {
      const sim = createSim({ runners: apps });
      const aliases = Array.from({ length: apps }, (_, i) => `app-${i}`);
      // None of the apps has a spare runner.
      for (const alias of aliases) sim.deploy({ alias, scale: scaleOf({ minConcurrency: 1 }) });
      sim.bringUp();
      for (const alias of aliases) sim.submit([`of ${alias}`], { alias });
      sim.deploy({ alias: 'waits', scale: scaleOf({ minConcurrency: 1 }) });
      sim.send({ type: 'tick' });
      return lookedAt(() => event(sim));
    };
    expect(cost(200)).toBe(cost(10));
  });

  it('does not grow with the number of runners that a rollout has yet to replace', () => {
    const cost = (runners: number) => {
      const sim = withRunners(runners);
      sim.submit(Array.from({ length: runners }, (_, i) => `r-${i}`));
      sim.send({ type: 'rolloutRequested', alias: 'app', force: false });
      sim.after(1);
      return lookedAt(() => [sim.submit(['a']), sim.end('r-3'), sim.send({ type: 'tick' })]);
    };
    expect(cost(300)).toBe(cost(30));
  });

  it('does not grow with the number of runners that a rollout replaces one by one on a full machine', () => {
    const cost = (runners: number) => {
      const sim = withRunners(runners, { runners });
      sim.submit(Array.from({ length: runners }, (_, i) => `r-${i}`));
      sim.send({ type: 'rolloutRequested', alias: 'app', force: false });
      return lookedAt(() => [sim.submit(['a']), sim.end('r-3')]);
    };
    expect(cost(300)).toBe(cost(10));
  });

  it('does not grow with the number of remembered hints', () => {
    const sim = withRunners(1);
    const cost = (hint: string) => {
      const looked = lookedAt(() => sim.submit([hint], { hint }));
      sim.end(hint);
      return looked;
    };
    cost('first');
    const early = cost('second');
    for (let i = 0; i < 1_100; i += 1) cost(`hint-${i}`);
    expect(cost('last')).toBe(early);
  });

  it('does not grow with the number of runners that back off after failed starts', () => {
    const cost = (runners: number) => {
      const sim = createSim();
      sim.deploy({ scale: scaleOf({ minConcurrency: runners, maxConcurrency: runners }) });
      const [first] = sim.runners();
      sim.send({ type: 'runnerExited', runnerId: first?.id ?? '', reason: 'boom' });
      for (const { id } of sim.runners()) sim.send({ type: 'runnerKillRequested', runnerId: id });
      expect(new Set(sim.states())).toEqual(new Set(['failureDelay']));
      return lookedAt(() => sim.submit(['a']));
    };
    expect(cost(300)).toBe(cost(10));
  });

  it('is the same for one keep_alive among many', () => {
    const cost = (runners: number) => {
      const sim = createSim();
      sim.deploy({ settings: settingsOf({ maxMultiplexing: 1 }) });
      const ids = Array.from({ length: runners }, (_, i) => `r-${i}`);
      sim.submit(ids);
      sim.bringUp();
      for (const id of ids) sim.end(id);
      const [one] = sim.runners();
      const ask = () => expect(expirationCountdownSeconds(sim.world, one?.id ?? '', sim.now)).toBe(60);
      return lookedAt(ask);
    };
    expect(cost(300)).toBe(cost(10));
  });
});
