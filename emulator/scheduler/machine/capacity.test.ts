import { describe, expect, it } from 'vitest';
import { scaleOf, settingsOf } from '../testing/samples.ts';
import { inWords, sentence } from '../testing/sentence.ts';
import { createSim, types } from '../testing/sim.ts';

type Sim = ReturnType<typeof createSim>;

/** A machine with capacity for this many runners. */
function machine(runners: number, aliases: readonly string[] = ['app'], scale = scaleOf()): Sim {
  const sim = createSim({ runners });
  for (const alias of aliases) sim.deploy({ alias, scale, settings: settingsOf({ terminationGraceSeconds: 0 }) });
  return sim;
}

function many(count: number, prefix = 'r'): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`);
}

/** The number of processes of each app. */
function processes(sim: Sim): { readonly [alias: string]: number } {
  const counts: { [alias: string]: number } = {};
  for (const [alias, app] of sim.world.apps) counts[alias] = app.runners.placed;
  return counts;
}

/**
 * Repeatedly ends the longest running request and makes starting runners ready, until `id` runs. Returns how many
 * requests ended before.
 */
function turnsUntilRun(sim: Sim, id: string): number {
  let ended = 0;
  for (; sim.world.requests.get(id)?.place.kind === 'waiting'; ended += 1) {
    if (ended > 1000) throw new Error(`${id} starves`);
    sim.bringUp();
    sim.after(6);
    const [longest] = [...sim.world.requests.values()]
      .flatMap(({ info, place }) => (place.kind === 'running' ? [{ id: info.id, since: place.startedAt }] : []))
      .sort((a, b) => a.since - b.since);
    if (longest !== undefined) sim.end(longest.id);
  }
  return ended;
}

describe('a machine with capacity for four runners', () => {
  it('starts four for 3,000 waiting requests, and one more waits in line for all the others', () => {
    const sim = machine(4);
    sim.submit(many(3000));
    expect(sim.log.filter(({ effect }) => effect.type === 'startRunner')).toHaveLength(4);
    expect(sim.states()).toEqual(Array(5).fill('pending'));
    expect(sim.world.apps.get('app')?.trouble.failures).toBe(0);
  });

  it('gives lack of capacity as the reason why a request waits', () => {
    const sim = machine(4, ['app', 'other']);
    sim.submit(many(4));
    sim.bringUp();
    sim.submit(['full'], { alias: 'other' });
    const says = 'No capacity: 4 of 4 runners on this machine are in use.';
    expect(sentence(sim.world, 'full', sim.now)).toBe(says);
    const noted = sim.notes.find(({ alias, topic }) => alias === 'other' && topic === 'runner.capacity')?.reason;
    expect(noted && inWords(sim.world, noted, sim.now)).toBe(says);
    // One of its four runners makes room for the other app when its request has ended.
    sim.submit(['next']);
    expect(sentence(sim.world, 'next', sim.now)).toMatch(/^All slots of 3 runners are busy .*\. No capacity: 4 of 4/);
  });

  it('starts the next one when a process has exited, not earlier', () => {
    const sim = machine(4);
    sim.submit(many(5));
    const [first = ''] = sim.runners().map(({ id }) => id);
    sim.send({ type: 'runnerStarted', runnerId: first });
    sim.send({ type: 'runnerReady', runnerId: first });
    expect(types(sim.send({ type: 'runnerKillRequested', runnerId: first }))).toContain('startRunner');
    expect(processes(sim)).toEqual({ app: 4 });
  });

  it('drops the runner in line when it is no longer needed, without killing anything', () => {
    const sim = machine(4);
    sim.submit(many(5));
    expect(types(sim.send({ type: 'requestWithdrawn', requestId: 'r4' }))).toEqual(['failRequest']);
    expect(sim.states()).toEqual(Array(4).fill('pending'));
    expect(sim.world.line).toBeNull();
  });

  it('does not count the wait as a start failure, however long it takes', () => {
    const sim = machine(4, ['app', 'other']);
    sim.submit(many(4));
    sim.bringUp();
    sim.submit(['full'], { alias: 'other' });
    sim.send({ type: 'requestWithdrawn', requestId: 'none' });
    expect(sim.world.apps.get('other')?.trouble.failures).toBe(0);
  });

  it('has no room for runners whose back-off is over, but keeps their place in line', () => {
    const sim = machine(1, ['app', 'other'], scaleOf({ keepAliveSeconds: 3600 }));
    sim.submit(['fails']);
    sim.send({ type: 'runnerExited', runnerId: sim.runners()[0]?.id ?? '', reason: 'exit code 1' });
    sim.submit(['busy'], { alias: 'other' });
    sim.bringUp();
    expect(types(sim.after(30))).not.toContain('startRunner');
    expect(sim.states()).toEqual(['pending', 'draining']);
    sim.end('busy');
    expect(processes(sim)).toEqual({ app: 1, other: 0 });
  });
});

describe('the runner that makes room', () => {
  it('is first a surplus idle runner, the one idle longest', () => {
    const sim = machine(2, ['old', 'young', 'app']);
    sim.submit(['a'], { alias: 'old' });
    sim.submit(['b'], { alias: 'young' });
    sim.bringUp();
    sim.end('a');
    sim.after(1);
    sim.end('b');
    sim.submit(['r']);
    expect(processes(sim)).toEqual({ old: 0, young: 1, app: 1 });
    expect(sim.notes.find(({ to }) => to === 'TERMINATING')?.text).toBe(
      'The runner made room for another application.',
    );
  });

  it('is a runner of a buffer only if requests wait, and the buffer does not take the room back', () => {
    const sim = machine(1, ['app', 'buffered']);
    sim.deploy({ alias: 'buffered', scale: scaleOf({ concurrencyBuffer: 1, keepAliveSeconds: 0 }) });
    sim.bringUp();
    sim.deploy({ alias: 'third', scale: scaleOf({ concurrencyBuffer: 1 }) });
    expect(processes(sim)).toMatchObject({ buffered: 1, third: 0 });
    sim.submit(['r']);
    sim.after(5);
    expect(processes(sim)).toMatchObject({ buffered: 0, app: 1 });
    sim.bringUp();
    sim.after(60);
    expect(sim.runnerOf('r')).toBeDefined();
  });

  it('belongs to an app with more runners than the waiting one: shares become equal, without losing work', () => {
    const sim = machine(4, ['app', 'other']);
    sim.submit(many(100));
    sim.bringUp();
    sim.submit(many(100, 'o'), { alias: 'other' });
    for (const id of many(20)) {
      if (sim.runnerOf(id) !== undefined) sim.end(id);
      sim.bringUp();
    }
    expect(processes(sim)).toEqual({ app: 2, other: 2 });
    expect(sim.log.filter(({ effect }) => effect.type === 'abortAttempt')).toEqual([]);
  });

  it('is, as a last resort, any runner, even of min_concurrency, for an app without runners', () => {
    const sim = machine(1, ['app']);
    sim.deploy({ alias: 'kept', scale: scaleOf({ minConcurrency: 1, maxConcurrency: 1 }) });
    sim.bringUp();
    sim.deploy({ alias: 'kept too', scale: scaleOf({ minConcurrency: 1 }) });
    sim.after(3600);
    expect(processes(sim)).toEqual({ app: 0, kept: 1, 'kept too': 0 });
    sim.submit(['r']);
    sim.after(5);
    expect(processes(sim)).toEqual({ app: 1, kept: 0, 'kept too': 0 });
  });

  it('is an idle runner of min_concurrency rather than a busy one, which may take long', () => {
    const sim = machine(2, ['busy', 'app']);
    sim.deploy({ alias: 'kept', scale: scaleOf({ minConcurrency: 1 }) });
    sim.submit(['long'], { alias: 'busy' });
    sim.bringUp();
    sim.after(60);
    sim.submit(['r']);
    sim.after(5);
    expect(processes(sim)).toEqual({ busy: 1, app: 1, kept: 0 });
    expect(sim.runners().find(({ alias }) => alias === 'busy')?.state.kind).toBe('running');
  });

  it.each([0, 1])('is a runner that becomes idle while a busy one drains, min_concurrency %i', (minConcurrency) => {
    const sim = machine(2, ['parent', 'app']);
    sim.deploy({ alias: 'other', scale: scaleOf({ minConcurrency, keepAliveSeconds: 3600 }) });
    // This request waits for `r`, so it never ends.
    sim.submit(['calls r'], { alias: 'parent' });
    sim.submit(['short'], { alias: 'other' });
    sim.bringUp();
    sim.after(60);
    sim.submit(['r']);
    expect(sim.states()).toEqual(expect.arrayContaining(['draining', 'running', 'pending']));
    const [running] = sim.runners().filter(({ state }) => state.kind === 'running');
    sim.end(running?.alias === 'other' ? 'short' : 'calls r');
    sim.after(20);
    sim.bringUp();
    expect(sim.runnerOf('r')).toBeDefined();
  });

  it('is chosen later, without another event, when runners have served for their guaranteed time', () => {
    const sim = machine(1, ['busy', 'app']);
    sim.submit(['long'], { alias: 'busy' });
    sim.bringUp();
    sim.submit(['r']);
    expect(sim.states()).toEqual(['running', 'pending']);
    sim.after(25);
    expect(sim.states()).toEqual(['draining', 'pending']);
  });

  it.each([1, 2, 3])('lets no app starve next to 300 requests of another one, with room for %i', (room) => {
    const sim = machine(room, ['app', 'b', 'c', 'd']);
    sim.submit(many(300));
    for (const alias of ['b', 'c', 'd']) sim.submit([`of ${alias}`], { alias });
    for (const alias of ['b', 'c', 'd']) expect(turnsUntilRun(sim, `of ${alias}`)).toBeLessThan(20);
  });
});

describe('on a full machine', () => {
  it('still checks the new revision of a rolling deploy', () => {
    const sim = machine(1);
    sim.submit(['r']);
    sim.bringUp();
    expect(types(sim.deploy({ revision: 'rev2', strategy: 'rolling' }))).toEqual(['startRunner']);
  });

  it('starts replacements one by one', () => {
    const sim = machine(3, ['app'], scaleOf({ minConcurrency: 3 }));
    sim.bringUp();
    expect(types(sim.send({ type: 'rolloutRequested', alias: 'app', force: false }))).toEqual(['startRunner']);
    for (let i = 0; i < 3; i += 1) {
      expect(processes(sim)).toEqual({ app: 4 });
      sim.bringUp();
      sim.after(5);
    }
    expect(sim.states()).toEqual(['idle', 'idle', 'idle']);
  });
});
