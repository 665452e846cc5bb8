import { describe, expect, it } from 'vitest';
import { scaleOf, settingsOf } from '../testing/samples.ts';
import { inWords, sentence } from '../testing/sentence.ts';
import { createSim, types } from '../testing/sim.ts';
import type { ScaleSettings } from '../types.ts';

type Sim = ReturnType<typeof createSim>;

const settings = (gpuSlots: number) => settingsOf({ gpuSlots, terminationGraceSeconds: 0 });

/** A machine with this many GPU slots, and apps whose runners need the given number of slots each. */
function machine(
  gpuSlots: number,
  apps: { readonly [alias: string]: number },
  runners = Number.POSITIVE_INFINITY,
): Sim {
  const sim = createSim({ gpuSlots, runners });
  for (const [alias, slots] of Object.entries(apps)) {
    sim.deploy({ alias, scale: scaleOf({ keepAliveSeconds: 3600 }), settings: settings(slots) });
  }
  return sim;
}

/** Runners that have a process, or are about to get one, by app. */
function processes(sim: Sim): { readonly [alias: string]: number } {
  return Object.fromEntries([...sim.world.apps].map(([alias, app]) => [alias, app.runners.placed]));
}

/** Runs a request of the app on its only runner. */
function busy(sim: Sim, alias: string, id: string): void {
  sim.submit([id], { alias });
  sim.bringUp();
  expect(sim.runnerOf(id)).toBeDefined();
}

const used = (sim: Sim) => sim.world.gpu.get('')?.used;
const texts = (sim: Sim) => sim.notes.map(({ text }) => text);

describe('GPU slots', () => {
  it.each<[string, number, { [alias: string]: number }, { [alias: string]: number }]>([
    ['without a limit, any number of GPU runners', Number.POSITIVE_INFINITY, { a: 1, b: 8 }, { a: 2, b: 2 }],
    ['one runner per slot', 1, { a: 1, b: 1 }, { a: 1, b: 0 }],
    ['runners without a GPU next to them', 1, { a: 1, cpu: 0 }, { a: 1, cpu: 2 }],
    ['as many slots as num_gpus', 3, { a: 2, b: 1 }, { a: 1, b: 1 }],
    ['all slots for what wants more than there are', 2, { a: 8, b: 1 }, { a: 1, b: 0 }],
  ])('give %s', (_name, slots, apps, expected) => {
    const sim = machine(slots, apps);
    for (const alias of Object.keys(apps)) sim.submit([`${alias}1`, `${alias}2`], { alias });
    expect(processes(sim)).toEqual(expected);
  });

  it('are waited for as PENDING, which is no failure, and the reason is shown', () => {
    const sim = machine(1, { a: 1, b: 1 });
    busy(sim, 'a', 'long');
    sim.submit(['waits'], { alias: 'b' });
    sim.after(5);
    const says = 'No GPU slot: 1 of 1 GPU slots on this machine are in use.';
    expect(sentence(sim.world, 'waits', sim.now)).toBe(says);
    const about = { alias: 'b', topic: 'runner.capacity', revision: 'rev1' };
    const notes = sim.notes.filter(({ alias, topic }) => alias === about.alias && topic === about.topic);
    expect(notes).toContainEqual(expect.objectContaining(about));
    expect(notes.map(({ reason }) => reason && inWords(sim.world, reason, sim.now))).toContain(says);
    sim.end('long');
    sim.bringUp();
    expect(sim.runnerOf('waits')).toBeDefined();
    expect(sim.world.apps.get('b')?.trouble.failures).toBe(0);
  });

  it('appear in the reason: how many a runner needs, who is ahead of it, and which limit applies', () => {
    const sim = machine(2, { a: 1, pair: 2, c: 1, cpu: 0 }, 2);
    busy(sim, 'a', 'long');
    sim.submit(['p'], { alias: 'pair' });
    sim.submit(['behind'], { alias: 'c' });
    expect(sentence(sim.world, 'p', sim.now)).toBe(
      'No GPU slot: 1 of 2 GPU slots on this machine are in use, and this runner needs 2.',
    );
    expect(sentence(sim.world, 'behind', sim.now)).toBe(
      'No GPU slot: 1 of 2 GPU slots on this machine are in use, and other runners are ahead of this one.',
    );
    sim.submit(['full'], { alias: 'cpu' });
    expect(processes(sim)).toEqual({ a: 1, pair: 0, c: 0, cpu: 1 });
    expect(sentence(sim.world, 'behind', sim.now)).toBe('No capacity: 2 of 2 runners on this machine are in use.');
  });

  it('are reserved for a runner that needs two: others that need one do not overtake it', () => {
    const sim = machine(2, { a: 1, b: 1, pair: 2, c: 1 });
    busy(sim, 'a', 'a1');
    busy(sim, 'b', 'b1');
    sim.submit(['p'], { alias: 'pair' });
    sim.submit(['later'], { alias: 'c' });
    sim.end('a1');
    sim.after(1);
    expect(processes(sim)).toEqual({ a: 0, b: 1, pair: 0, c: 0 });
    sim.end('b1');
    sim.after(1);
    expect(processes(sim)).toEqual({ a: 0, b: 0, pair: 1, c: 0 });
  });

  it('do not delay an app that needs none, and a waiting runner is also next when there is room', () => {
    const sim = machine(1, { a: 1, b: 1, cpu: 0 }, 2);
    busy(sim, 'a', 'long');
    sim.submit(['waits'], { alias: 'b' });
    sim.submit(['quick', 'second'], { alias: 'cpu' });
    expect(processes(sim)).toEqual({ a: 1, b: 0, cpu: 1 });
    sim.end('long');
    sim.after(1);
    expect(processes(sim)).toEqual({ a: 0, b: 1, cpu: 1 });
  });

  it('that are added go to the next runner in line at once', () => {
    const sim = machine(1, { a: 1, b: 1 });
    busy(sim, 'a', 'long');
    sim.submit(['waits'], { alias: 'b' });
    expect(types(sim.send({ type: 'gpuSlotsChanged', gpuSlots: 2 }))).toEqual(['startRunner']);
    expect(processes(sim)).toEqual({ a: 1, b: 1 });
  });

  it('that are lost stay with their runners, and nothing starts until enough have ended', () => {
    const sim = machine(3, { a: 2, b: 1, c: 1 });
    busy(sim, 'a', 'a1');
    busy(sim, 'b', 'b1');
    expect(sim.send({ type: 'gpuSlotsChanged', gpuSlots: 1 })).toEqual([]);
    sim.submit(['c1'], { alias: 'c' });
    sim.end('a1');
    sim.after(1);
    expect(processes(sim)).toEqual({ a: 0, b: 1, c: 0 });
    sim.end('b1');
    sim.after(1);
    expect(processes(sim)).toEqual({ a: 0, b: 0, c: 1 });
    expect(used(sim)).toBe(1);
  });

  it('are no longer counted when the last GPU is gone, and counted again when one is back', () => {
    const sim = machine(1, { a: 1, b: 1 });
    busy(sim, 'a', 'a1');
    sim.submit(['b1'], { alias: 'b' });
    sim.send({ type: 'gpuSlotsChanged', gpuSlots: Number.POSITIVE_INFINITY });
    expect(processes(sim)).toEqual({ a: 1, b: 1 });
    sim.send({ type: 'gpuSlotsChanged', gpuSlots: 1 });
    expect(used(sim)).toBe(2);
  });

  it('of an idle runner are given to another app; an idle runner without a GPU is not touched', () => {
    const sim = machine(1, { cpu: 0, a: 1, b: 1 });
    busy(sim, 'cpu', 'c');
    sim.end('c');
    busy(sim, 'a', 'r');
    sim.end('r');
    sim.submit(['waits'], { alias: 'b' });
    sim.after(1);
    expect(processes(sim)).toEqual({ cpu: 1, a: 0, b: 1 });
    expect(texts(sim)).toContain('The runner made room for another application.');
  });

  it.each([
    [3, { a: 0, b: 0, c: 1, pair: 1 }],
    [4, { a: 0, b: 1, c: 1, pair: 1 }],
  ])('are asked of as many idle runners at once as are needed, not more, with %i', (slots, expected) => {
    const sim = createSim({ gpuSlots: slots });
    for (const [alias, gpuSlots] of [
      ['a', 1],
      ['b', 1],
      ['c', 1],
      ['pair', 2],
    ] as const) {
      sim.deploy({ alias, settings: settingsOf({ gpuSlots, terminationGraceSeconds: 5 }) });
    }
    for (const alias of ['a', 'b', 'c']) {
      busy(sim, alias, `${alias}1`);
      sim.end(`${alias}1`);
    }
    sim.submit(['p'], { alias: 'pair' });
    expect(sim.states().filter((state) => state === 'terminating')).toHaveLength(expected.b === 0 ? 2 : 1);
    sim.after(5);
    expect(processes(sim)).toEqual(expected);
  });

  it('are no longer waited for after UpdateApplication has set a machine type without a GPU', () => {
    const sim = machine(1, { a: 1, b: 1 });
    busy(sim, 'a', 'long');
    sim.submit(['waits'], { alias: 'b' });
    expect(processes(sim)).toEqual({ a: 1, b: 0 });
    sim.send({ type: 'aliasScaled', alias: 'b', scale: scaleOf(), settings: settings(0) });
    expect(processes(sim)).toEqual({ a: 1, b: 1 });
    sim.bringUp();
    expect(sim.runnerOf('waits')).toBeDefined();
  });

  it.each([1, 2, 3])('let no app starve next to 300 requests of another one, with %i of them', (slots) => {
    const sim = machine(slots, { app: 1, b: 1, c: 2, d: 8 });
    sim.submit(Array.from({ length: 300 }, (_, i) => `r${i}`));
    for (const alias of ['b', 'c', 'd']) sim.submit([`of ${alias}`], { alias });
    for (const alias of ['b', 'c', 'd']) {
      for (let turn = 0; sim.world.requests.has(`of ${alias}`); turn += 1) {
        expect(turn).toBeLessThan(60);
        sim.bringUp();
        sim.after(6);
        for (const { place, info } of sim.world.requests.values()) if (place.kind === 'running') sim.end(info.id);
      }
    }
  });
});

describe('with one GPU slot', () => {
  const rolling = (sim: Sim, revision = 'rev2', slots = 1) =>
    sim.deploy({
      alias: 'a',
      revision,
      scale: scaleOf({ minConcurrency: 1 }),
      settings: settings(slots),
      strategy: 'rolling',
    });
  const revisionOf = (sim: Sim, id: string) => sim.runners().find((runner) => runner.id === sim.runnerOf(id))?.revision;

  it('a rolling deploy lets the old runner finish and stop first', () => {
    const sim = machine(1, { a: 1 });
    busy(sim, 'a', 'long');
    sim.submit(['next'], { alias: 'a' });
    expect(types(rolling(sim))).not.toContain('startRunner');
    expect(sim.states()).toContain('draining');
    const noted = sim.notes.find(({ revision }) => revision === 'rev2')?.reason;
    const says = 'No GPU slot: 1 of 1 GPU slots on this machine are in use.';
    expect(noted && inWords(sim.world, noted, sim.now)).toBe(says);
    sim.end('long');
    sim.after(1);
    expect(processes(sim)).toEqual({ a: 1 });
    sim.bringUp();
    expect(sim.log.filter(({ effect }) => effect.type === 'aliasMoved').at(-1)?.effect).toMatchObject({
      revision: 'rev2',
    });
    expect(revisionOf(sim, 'next')).toBe('rev2');
    expect(texts(sim)).toContain('The runner gave its GPU slot to the new revision of its application.');
    expect(sim.log.filter(({ effect }) => effect.type === 'abortAttempt')).toEqual([]);
  });

  it.each(['exit code 1', 'timeout'])('the old revision is restored if the new one fails: %s', (how) => {
    const sim = machine(1, { a: 1 });
    busy(sim, 'a', 'r');
    sim.end('r');
    sim.submit(['next'], { alias: 'a' });
    rolling(sim);
    sim.end('next');
    sim.submit(['waits'], { alias: 'a' });
    sim.after(1);
    const check = sim.runners().find(({ revision, state }) => revision === 'rev2' && state.kind === 'pending');
    sim.send({ type: 'runnerStarted', runnerId: check?.id ?? '' });
    expect(processes(sim)).toEqual({ a: 1 });
    if (how === 'timeout') sim.after(601);
    else sim.send({ type: 'runnerExited', runnerId: check?.id ?? '', reason: how });
    expect(sim.log.map(({ effect }) => effect.type)).toContain('deployFailed');
    sim.bringUp();
    expect(revisionOf(sim, 'waits')).toBe('rev1');
  });

  it('a rolling deploy that needs the slot of another app gets it', () => {
    const sim = machine(1, { a: 1, b: 1 });
    busy(sim, 'b', 'long');
    sim.submit(['many', 'more'], { alias: 'b' });
    rolling(sim);
    sim.after(20);
    expect(sim.states()).toContain('draining');
    sim.end('long');
    sim.after(1);
    sim.bringUp();
    expect(sim.world.apps.get('a')?.live?.revision).toBe('rev2');
  });

  it('a deploy that supersedes another one ends its wait', () => {
    const sim = machine(1, { a: 1 });
    busy(sim, 'a', 'long');
    rolling(sim);
    const effects = rolling(sim, 'rev3');
    expect(effects).toContainEqual(expect.objectContaining({ type: 'deployFailed', revision: 'rev2' }));
    expect(types(effects)).not.toContain('killRunner');
    sim.end('long');
    sim.after(1);
    sim.bringUp();
    expect(sim.world.apps.get('a')?.live?.revision).toBe('rev3');
    expect(processes(sim)).toEqual({ a: 1 });
  });

  it.each(['recreate', 'detached'] as const)(
    'a %s deploy starts the new runner when the old one has stopped',
    (strategy) => {
      const sim = machine(1, { a: 1 });
      const scale = scaleOf({ minConcurrency: strategy === 'recreate' ? 1 : 0 });
      busy(sim, 'a', 'long');
      sim.deploy({ alias: 'a', revision: 'rev2', scale, settings: settings(1), strategy });
      expect(processes(sim)).toEqual({ a: 1 });
      sim.end('long');
      sim.after(1);
      sim.bringUp();
      expect(sim.runners()).toMatchObject([{ revision: 'rev2', state: { kind: 'idle' } }]);
      expect(texts(sim).filter((text) => text.includes('is not rolled back'))).toEqual([]);
    },
  );

  it.each<[string, (sim: Sim, runnerId: string) => void]>([
    ['a rollout', (sim) => sim.send({ type: 'rolloutRequested', alias: 'a', force: false })],
    ['stop --replace', (sim, runnerId) => sim.send({ type: 'runnerStopRequested', runnerId, replaceFirst: true })],
  ])('%s stops the old runner when its request has ended, then starts the new one', (_name, restart) => {
    const sim = machine(1, { a: 1 });
    sim.send({
      type: 'aliasScaled',
      alias: 'a',
      scale: scaleOf({ minConcurrency: 1 } satisfies Partial<ScaleSettings>),
      settings: settings(1),
    });
    busy(sim, 'a', 'long');
    const old = sim.runnerOf('long') ?? '';
    restart(sim, old);
    expect(sim.states()).toEqual(['draining', 'pending']);
    sim.end('long');
    sim.after(1);
    sim.bringUp();
    expect(sim.states()).toEqual(['idle']);
    expect(sim.runners()[0]?.id).not.toBe(old);
  });

  it('a rolling deploy keeps the old runner if a slot is free', () => {
    const sim = machine(2, { a: 1 });
    busy(sim, 'a', 'long');
    expect(types(rolling(sim))).toEqual(['startRunner']);
    expect(sim.states()).toEqual(['running', 'pending']);
  });
});

describe('with two GPU slots', () => {
  function serving(): Sim {
    const sim = createSim({ gpuSlots: 2 });
    sim.deploy({ alias: 'a', scale: scaleOf({ minConcurrency: 2, maxConcurrency: 2 }), settings: settings(1) });
    sim.bringUp();
    return sim;
  }

  it('a rollout replaces two runners one by one', () => {
    const sim = serving();
    const old = sim.runners().map(({ id }) => id);
    sim.send({ type: 'rolloutRequested', alias: 'a', force: false });
    for (let i = 0; i < 4; i += 1) {
      sim.after(1);
      expect(sim.states().filter((state) => state === 'idle').length).toBeGreaterThanOrEqual(1);
      sim.bringUp();
    }
    expect(sim.states()).toEqual(['idle', 'idle']);
    expect(sim.runners().filter(({ id }) => old.includes(id))).toEqual([]);
  });

  it('a rollout drains busy runners one by one while requests wait', () => {
    const sim = serving();
    sim.submit(['r1', 'r2', 'r3', 'r4'], { alias: 'a' });
    sim.send({ type: 'rolloutRequested', alias: 'a', force: false });
    expect(sim.states().toSorted()).toEqual(['draining', 'pending', 'running']);
    const [first] = sim.runners().filter(({ state }) => state.kind === 'draining');
    const [ends, stays] = sim.runnerOf('r1') === first?.id ? ['r1', 'r2'] : ['r2', 'r1'];
    sim.end(ends);
    sim.after(1);
    expect(sim.states().toSorted()).toEqual(['pending', 'running']);
    expect(sim.runnerOf(stays)).toBeDefined();
    sim.bringUp();
    expect(sim.states().toSorted()).toEqual(['draining', 'pending', 'running']);
  });
});
