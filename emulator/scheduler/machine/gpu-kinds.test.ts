import { describe, expect, it } from 'vitest';
import { scaleOf, settingsOf } from '../testing/samples.ts';
import { sentence } from '../testing/sentence.ts';
import { createSim, types } from '../testing/sim.ts';
import type { GpuKind } from '../types.ts';

/** A machine where machine types matter: its kinds of GPU, each with a number of slots. */
function machine(slots: { readonly [name: string]: number }) {
  const sim = createSim({ gpuKinds: kindsOf(slots) });
  return {
    sim,
    /** Deploys an app for these machine types. */
    app(alias: string, gpuTypes: readonly string[], gpuSlots = 1, terminationGraceSeconds = 0) {
      const settings = settingsOf({ gpuSlots, gpuTypes, terminationGraceSeconds });
      sim.deploy({ alias, scale: scaleOf({ keepAliveSeconds: 3600, maxConcurrency: 4 }), settings });
    },
    /** The GPUs of the runners that were started, in their order. */
    given: () => sim.log.flatMap(({ effect }) => (effect.type === 'startRunner' ? [effect.gpu] : [])),
    change: (now: { readonly [name: string]: number }) =>
      sim.send({ type: 'gpuSlotsChanged', gpuSlots: 9, gpuKinds: kindsOf(now) }),
    why: (id: string) => sentence(sim.world, id, sim.now),
  };
}

function kindsOf(slots: { readonly [name: string]: number }): readonly GpuKind[] {
  return Object.entries(slots).map(([name, count]) => ({ name, slots: count, machineTypes: [`GPU-${name}`, 'GPU'] }));
}

const gpu = (kind: string, machineType = `GPU-${kind}`) => ({ kind, machineType });

describe('where machine types matter', () => {
  it.each<[string, { [name: string]: number }, readonly string[], number, readonly unknown[]]>([
    ['gets its machine type', { L40: 1, H100: 1 }, ['GPU-H100'], 1, [gpu('H100')]],
    ['gets the first that fits', { L40: 1, H100: 1 }, ['GPU-B200', 'GPU-L40', 'GPU-H100'], 1, [gpu('L40')]],
    ['gets the first that has enough', { L40: 1, H100: 2 }, ['GPU-L40', 'GPU-H100'], 2, [gpu('H100')]],
    ['gets any GPU of the type for any', { L40: 1 }, ['GPU'], 1, [gpu('L40', 'GPU')]],
    ['waits if there is none', { L40: 1 }, ['GPU-H100'], 1, []],
    ['waits if there are too few, and does not take fewer', { H100: 1 }, ['GPU-H100'], 2, []],
    ['waits without any GPU', {}, ['GPU-H100'], 1, []],
    ['needs no slot if all share', { H100: Number.POSITIVE_INFINITY }, ['GPU-H100'], 8, [gpu('H100')]],
    ['needs none without a GPU', { H100: 1 }, [], 0, [undefined]],
  ])('a runner %s', (_name, slots, gpuTypes, count, expected) => {
    const { app, sim, given } = machine(slots);
    app('a', gpuTypes, count);
    sim.submit(['r1'], { alias: 'a' });
    expect(given()).toEqual(expected);
  });

  it('a second runner gets the next type, and a third waits for the first', () => {
    const { app, sim, given, why } = machine({ L40: 1, H100: 1 });
    app('a', ['GPU-H100', 'GPU-L40']);
    sim.submit(['r1', 'r2', 'r3'], { alias: 'a' });
    sim.bringUp();
    expect(given()).toEqual([gpu('H100'), gpu('L40')]);
    expect(why('r3')).toContain('No GPU slot: 1 of 1 H100 slots on this machine are in use.');
  });

  it('a runner that waits for one kind does not hold up those for another', () => {
    const { app, sim, given } = machine({ L40: 1, H100: 1 });
    for (const alias of ['a', 'b']) app(alias, ['GPU-H100']);
    app('c', ['GPU-L40']);
    sim.submit(['a1'], { alias: 'a' });
    sim.bringUp();
    sim.submit(['b1'], { alias: 'b' });
    sim.submit(['c1'], { alias: 'c' });
    expect(given()).toEqual([gpu('H100'), gpu('L40')]);
    sim.end('a1');
    sim.after(1);
    expect(given()).toEqual([gpu('H100'), gpu('L40'), gpu('H100')]);
  });

  it.each<[string, readonly string[], number, { readonly [name: string]: number }, string, readonly string[]]>([
    ['takes another of its types that becomes free', ['GPU-H100', 'GPU-L40'], 1, {}, 'L40', ['L40']],
    ['takes the first of its types if that becomes free', ['GPU-H100', 'GPU-L40'], 1, {}, 'H100', ['H100']],
    ['does not take one that is not among its types', ['GPU-H100'], 1, {}, 'L40', []],
    ['does not take too few', ['GPU-H100', 'GPU-L40'], 2, { H100: 2, L40: 2 }, 'L40', []],
  ])('a waiting runner %s', (_name, gpuTypes, count, slots, freed, taken) => {
    const { app, sim, given } = machine({ H100: 1, L40: 1, ...slots });
    for (const [kind, number] of Object.entries({ H100: 1, L40: 1, ...slots })) {
      app(kind, [`GPU-${kind}`]);
      sim.submit(
        Array.from({ length: number }, (_, index) => `${kind}${index}`),
        { alias: kind },
      );
    }
    sim.bringUp();
    const before = given().length;
    app('a', gpuTypes, count);
    sim.submit(['a1'], { alias: 'a' });
    sim.after(1);
    expect(given()).toHaveLength(before);
    sim.end(`${freed}0`);
    sim.after(1);
    expect(given().slice(before)).toEqual(taken.map((kind) => gpu(kind)));
  });

  it('a runner that may take another type does not overtake one that waits for that type longer', () => {
    const { app, sim, given } = machine({ H100: 1, L40: 1 });
    for (const kind of ['H100', 'L40']) app(kind, [`GPU-${kind}`]);
    sim.submit(['h1'], { alias: 'H100' });
    sim.submit(['l1'], { alias: 'L40' });
    sim.bringUp();
    app('only', ['GPU-L40']);
    app('either', ['GPU-H100', 'GPU-L40']);
    sim.submit(['o1'], { alias: 'only' });
    sim.submit(['e1'], { alias: 'either' });
    sim.end('l1');
    sim.after(1);
    sim.bringUp();
    expect(given()).toEqual([gpu('H100'), gpu('L40'), gpu('L40')]);
    expect([sim.runnerOf('o1') !== undefined, sim.runnerOf('e1')]).toEqual([true, undefined]);
    sim.end('h1');
    sim.after(1);
    expect(given()).toEqual([gpu('H100'), gpu('L40'), gpu('L40'), gpu('H100')]);
  });

  it('a runner further back takes what the first in its line cannot use', () => {
    const { app, sim, given } = machine({ H100: 1, L40: 1 });
    for (const kind of ['H100', 'L40']) app(kind, [`GPU-${kind}`]);
    sim.submit(['h1'], { alias: 'H100' });
    sim.submit(['l1'], { alias: 'L40' });
    sim.bringUp();
    app('only', ['GPU-H100']);
    app('either', ['GPU-H100', 'GPU-L40']);
    sim.submit(['o1'], { alias: 'only' });
    sim.submit(['e1'], { alias: 'either' });
    sim.end('l1');
    sim.after(1);
    sim.bringUp();
    expect(given()).toEqual([gpu('H100'), gpu('L40'), gpu('L40')]);
    expect([sim.runnerOf('o1'), sim.runnerOf('e1') !== undefined]).toEqual([undefined, true]);
  });

  it('one idle runner makes room for one that may have several kinds', () => {
    const { app, sim, given } = machine({ L40: 1, H100: 1, B200: 1 });
    const kinds = ['L40', 'H100', 'B200'];
    for (const kind of kinds) app(kind, [`GPU-${kind}`], 1, 5);
    for (const kind of kinds) sim.submit([kind], { alias: kind });
    sim.bringUp();
    for (const kind of kinds) sim.end(kind);
    sim.after(20);
    app(
      'any',
      kinds.map((kind) => `GPU-${kind}`),
    );
    sim.submit(['one'], { alias: 'any' });
    sim.after(1);
    expect(sim.states().toSorted()).toEqual(['idle', 'idle', 'pending', 'terminating']);
    sim.after(5);
    expect(given()).toHaveLength(4);
  });

  it('room is made only by runners on the same kind', () => {
    const { app, sim } = machine({ L40: 1, H100: 1 });
    app('idle', ['GPU-L40']);
    app('busy', ['GPU-H100']);
    app('waits', ['GPU-H100']);
    sim.submit(['i'], { alias: 'idle' });
    sim.submit(['b'], { alias: 'busy' });
    sim.bringUp();
    sim.end('i');
    sim.submit(['w'], { alias: 'waits' });
    sim.after(5);
    expect(sim.states().toSorted()).toEqual(['idle', 'pending', 'running']);
    sim.end('b');
    sim.after(1);
    sim.bringUp();
    expect(sim.runnerOf('w')).toBeDefined();
    expect(
      sim
        .runners()
        .map(({ alias }) => alias)
        .toSorted(),
    ).toEqual(['idle', 'waits']);
  });

  it('a request for what is not there waits without back-off, says why, and starts when it is there', () => {
    const { app, sim, why, change } = machine({ L40: 1 });
    app('a', ['GPU-H100', 'GPU-H200'], 2);
    sim.submit(['r'], { alias: 'a' });
    sim.after(3600);
    expect(sim.states()).toEqual(['pending']);
    expect(why('r')).toBe(
      'This machine is no GPU-H100 or GPU-H200 with 2 GPUs, and minifal runs with --gpu-mapping strict.',
    );
    expect(sim.world.apps.get('a')?.trouble.failures).toBe(0);
    expect(types(change({ L40: 1, H200: 2 }))).toEqual(['startRunner']);
  });

  it('runners keep GPUs that are gone, and those that wait choose among the others', () => {
    const { app, sim, given, change } = machine({ H100: 1, L40: 1 });
    app('a', ['GPU-H100']);
    app('b', ['GPU-L40']);
    app('c', ['GPU-H100', 'GPU-L40']);
    sim.submit(['a1'], { alias: 'a' });
    sim.submit(['b1'], { alias: 'b' });
    sim.bringUp();
    sim.submit(['c1'], { alias: 'c' });
    expect(change({ L40: 1 })).toEqual([]);
    expect(sim.runnerOf('a1')).toBeDefined();
    sim.end('b1');
    sim.after(1);
    expect(given()).toEqual([gpu('H100'), gpu('L40'), gpu('L40')]);
  });

  it('a rolling deploy on the only GPU lets the old runner stop first', () => {
    const { app, sim } = machine({ H100: 1 });
    app('a', ['GPU-H100']);
    sim.submit(['r'], { alias: 'a' });
    sim.bringUp();
    sim.end('r');
    const settings = settingsOf({ gpuSlots: 1, gpuTypes: ['GPU-H100'], terminationGraceSeconds: 0 });
    sim.deploy({ alias: 'a', revision: 'rev2', strategy: 'rolling', settings });
    sim.after(1);
    sim.bringUp();
    expect(sim.runners().map(({ revision }) => revision)).toEqual(['rev2']);
  });
});
