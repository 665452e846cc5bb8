import { describe, expect, it } from 'vitest';
import { emptyWorld, nextWakeup, step } from './step.ts';
import { deployOf, requestOf, scaleOf } from './testing/samples.ts';
import { createSim, types } from './testing/sim.ts';

describe('step', () => {
  it('does not change its input and is deterministic', () => {
    const before = step(emptyWorld('s'), deployOf(), 0).world;
    const event = { type: 'requestArrived', request: requestOf('r') } as const;
    const one = step(before, event, 1);
    const two = step(before, event, 1);
    expect(JSON.stringify(one)).toBe(JSON.stringify(two));
    expect(before.requests.size).toBe(0);
    expect(before.runners.size).toBe(0);
  });

  it('makes different IDs from a different seed', () => {
    const idFrom = (seed: string) =>
      step(emptyWorld(seed), deployOf({ scale: scaleOf({ minConcurrency: 1 }) }), 0).effects[1];
    expect(idFrom('a')).toEqual(idFrom('a'));
    expect(idFrom('a')).not.toEqual(idFrom('b'));
  });

  it('carries out what is due in other apps with every event', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['a'], { startBy: 1000 });
    const late = step(sim.world, deployOf({ alias: 'other' }), 5000);
    expect(types(late.effects)).toEqual(['aliasMoved', 'failRequest']);
  });

  it('keeps apps separate', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ maxConcurrency: 1 }) });
    sim.deploy({ alias: 'other', scale: scaleOf({ maxConcurrency: 1 }) });
    sim.submit(['a', 'b']);
    expect(types(sim.submit(['c'], { alias: 'other' }))).toEqual(['startRunner']);
    sim.bringUp();
    expect([sim.runnerOf('a'), sim.runnerOf('b'), sim.runnerOf('c')].map((id) => id !== undefined)).toEqual([
      true,
      false,
      true,
    ]);
  });
});

describe('nextWakeup', () => {
  it('is undefined when only an event can change anything', () => {
    const sim = createSim();
    expect(nextWakeup(sim.world)).toBeUndefined();
    sim.deploy();
    expect(nextWakeup(sim.world)).toBeUndefined();
    sim.submit(['a']);
    expect(nextWakeup(sim.world), 'a process must come').toBe(3_600_000);
  });

  it('is the earliest of all apps', () => {
    const sim = createSim();
    sim.deploy();
    sim.deploy({ alias: 'other' });
    sim.submit(['a'], { startBy: 9000 });
    sim.submit(['b'], { alias: 'other', startBy: 4000 });
    sim.submit(['c'], { startBy: 6000 });
    expect(nextWakeup(sim.world)).toBe(4000);
    sim.send({ type: 'requestWithdrawn', requestId: 'b' });
    expect(nextWakeup(sim.world)).toBe(6000);
  });

  it.each([
    ['a setup that may take too long', 600_000, () => {}],
    ['an attempt that may take too long', 3_600_000, (sim: ReturnType<typeof createSim>) => sim.bringUp()],
  ])('knows %s', (_, at, prepare) => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['a']);
    sim.send({ type: 'runnerStarted', runnerId: sim.runners()[0]?.id ?? '' });
    prepare(sim);
    expect(nextWakeup(sim.world)).toBe(at);
  });

  it('does not wake for a keep_alive that is over but needed', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ minConcurrency: 1 }) });
    sim.bringUp();
    expect(nextWakeup(sim.world)).toBeUndefined();
  });
});
