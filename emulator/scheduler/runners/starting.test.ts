import { describe, expect, it } from 'vitest';
import { scaleOf, settingsOf } from '../testing/samples.ts';
import { sentence } from '../testing/sentence.ts';
import { createSim, types } from '../testing/sim.ts';

function starting(startupTimeoutSeconds = 600) {
  const sim = createSim();
  sim.deploy({ settings: settingsOf({ startupTimeoutSeconds }) });
  sim.submit(['r']);
  return { sim, runnerId: sim.runners()[0]?.id ?? '' };
}

describe('a runner that starts', () => {
  it('goes PENDING, SETUP, IDLE, RUNNING, and notes each change', () => {
    const { sim, runnerId } = starting();
    sim.after(1);
    sim.send({ type: 'runnerStarted', runnerId });
    expect(sim.runners()[0]?.state).toEqual({ kind: 'setup', since: 1000, deadline: 601_000 });
    sim.after(2);
    expect(sim.send({ type: 'runnerReady', runnerId })).toEqual([
      { type: 'assign', requestId: 'r', attemptId: 'r', runnerId },
    ]);
    expect(sim.runners()[0]).toMatchObject({ createdAt: 0, readyAt: 3000, used: true });
    const moves = sim.notes.filter((note) => note.topic === 'runner.state').map(({ at, from, to }) => [at, from, to]);
    expect(moves).toEqual([
      [0, '', 'PENDING'],
      [1000, 'PENDING', 'SETUP'],
      [3000, 'SETUP', 'IDLE'],
      [3000, 'IDLE', 'RUNNING'],
    ]);
  });

  it('is in DOCKER_PULL while its image is pulled, and in SETUP when its process exists', () => {
    const { sim, runnerId } = starting();
    sim.after(1);
    expect(sim.send({ type: 'runnerPulling', runnerId, percent: 0 })).toEqual([]);
    expect(sim.runners()[0]?.state).toEqual({ kind: 'dockerPull', since: 1000, deadline: 3_601_000, percent: 0 });
    sim.after(60);
    sim.send({ type: 'runnerPulling', runnerId, percent: 40 });
    expect(sim.runners()[0]?.state).toEqual({ kind: 'dockerPull', since: 1000, deadline: 3_601_000, percent: 40 });
    expect(sentence(sim.world, 'r', sim.now)).toBe('Runner 1 has been in DOCKER_PULL for 60 s (40 %).');
    sim.after(39);
    sim.send({ type: 'runnerStarted', runnerId });
    // startup_timeout counts from the start of the process.
    expect(sim.runners()[0]?.state).toEqual({ kind: 'setup', since: 100_000, deadline: 700_000 });
    sim.send({ type: 'runnerReady', runnerId });
    const moves = sim.notes.filter((note) => note.topic === 'runner.state').map(({ at, from, to }) => [at, from, to]);
    expect(moves).toEqual([
      [0, '', 'PENDING'],
      [1000, 'PENDING', 'DOCKER_PULL'],
      [100_000, 'DOCKER_PULL', 'SETUP'],
      [100_000, 'SETUP', 'IDLE'],
      [100_000, 'IDLE', 'RUNNING'],
    ]);
  });

  it('becomes ready from DOCKER_PULL, too, if the event of its start is late', () => {
    const { sim, runnerId } = starting();
    sim.send({ type: 'runnerPulling', runnerId, percent: 100 });
    sim.send({ type: 'runnerReady', runnerId });
    expect(sim.states()).toEqual(['running']);
    sim.send({ type: 'runnerPulling', runnerId, percent: 100 });
    expect(sim.states()).toEqual(['running']);
  });

  it('fails to start when its image cannot be pulled', () => {
    const { sim, runnerId } = starting();
    sim.send({ type: 'runnerPulling', runnerId, percent: 3 });
    sim.send({ type: 'runnerExited', runnerId, reason: 'manifest unknown' });
    expect(sim.runners()[0]?.state).toMatchObject({ kind: 'failureDelay', failures: 1 });
    expect(sim.notes).toContainEqual(
      expect.objectContaining({ from: 'DOCKER_PULL', to: 'TERMINATED', text: 'manifest unknown' }),
    );
  });

  it('is abandoned when its image is not complete within an hour, whatever the progress', () => {
    const { sim, runnerId } = starting();
    sim.after(60);
    sim.send({ type: 'runnerPulling', runnerId, percent: 0 });
    sim.after(3599);
    sim.send({ type: 'runnerPulling', runnerId, percent: 99 });
    expect(sim.after(1)).toEqual([{ type: 'killRunner', runnerId }]);
    expect(sim.states()).toEqual(['failureDelay']);
    expect(sim.notes.findLast(({ to }) => to === 'FAILURE_DELAY')?.reason?.evidence).toMatch(
      /image was not available within 60 min/,
    );
  });

  it('is killed immediately in DOCKER_PULL, which is no start failure', () => {
    const { sim, runnerId } = starting();
    sim.send({ type: 'runnerPulling', runnerId, percent: 50 });
    const effects = sim.send({ type: 'runnerKillRequested', runnerId });
    expect(effects[0]).toEqual({ type: 'killRunner', runnerId });
    expect(types(effects)).toEqual(['killRunner', 'startRunner']);
  });

  it('may be ready before the event of its start arrives', () => {
    const { sim, runnerId } = starting();
    sim.send({ type: 'runnerReady', runnerId });
    expect(sim.states()).toEqual(['running']);
    expect(sim.send({ type: 'runnerStarted', runnerId })).toEqual([]);
    expect(sim.states()).toEqual(['running']);
    expect(sim.notes.at(-1)).toMatchObject({
      topic: 'runner.refused',
      text: 'a runner does not go from running to setup',
    });
  });

  it('is replaced after a delay when it exits, and the request continues waiting', () => {
    const { sim, runnerId } = starting();
    sim.send({ type: 'runnerStarted', runnerId });
    expect(sim.send({ type: 'runnerExited', runnerId, reason: 'setup() raised ValueError' })).toEqual([]);
    expect(sim.states()).toEqual(['failureDelay']);
    expect(sim.notes).toContainEqual(
      expect.objectContaining({ from: 'SETUP', to: 'TERMINATED', text: 'setup() raised ValueError' }),
    );
    expect(types(sim.after(30))).toEqual(['startRunner']);
  });

  it('is abandoned when it gets no process within an hour, which is a start failure', () => {
    const { sim, runnerId } = starting();
    expect(sim.after(3599.999)).toEqual([]);
    expect(sim.after(0.001)).toEqual([{ type: 'killRunner', runnerId }]);
    expect(sim.states()).toEqual(['failureDelay']);
    expect(sim.notes.findLast(({ to }) => to === 'FAILURE_DELAY')?.reason?.evidence).toMatch(
      /no process within 60 minutes/,
    );
  });

  it('is killed when its setup takes longer than startup_timeout, which is a start failure', () => {
    const { sim, runnerId } = starting(20);
    sim.after(5);
    sim.send({ type: 'runnerStarted', runnerId });
    expect(sim.after(19.999)).toEqual([]);
    expect(sim.after(0.001)).toEqual([{ type: 'killRunner', runnerId }]);
    expect(sim.runners()[0]?.state).toMatchObject({ kind: 'failureDelay', failures: 1 });
  });

  it('ends direct calls that waited for it when it takes too long; queued ones wait for the next start', () => {
    const sim = createSim();
    const scale = scaleOf({ maxConcurrency: 1 });
    sim.deploy({ scale, settings: settingsOf({ startupTimeoutSeconds: 20 }) });
    sim.submit(['queued']);
    sim.submit(['early', 'early too'], { kind: 'direct' });
    sim.after(5);
    const runnerId = sim.runners()[0]?.id ?? '';
    sim.send({ type: 'runnerStarted', runnerId });
    sim.after(10);
    sim.submit(['late'], { kind: 'direct' });
    const error = { type: 'startup_timeout' };
    expect(sim.after(10)).toEqual([
      { type: 'killRunner', runnerId },
      { type: 'failRequest', requestId: 'early', error },
      { type: 'failRequest', requestId: 'early too', error },
    ]);
    // The call that arrived during the start waits for a complete start, too.
    sim.after(30);
    const next = sim.runners()[0]?.id ?? '';
    sim.send({ type: 'runnerStarted', runnerId: next });
    expect(sim.after(20)).toEqual([
      { type: 'killRunner', runnerId: next },
      { type: 'failRequest', requestId: 'late', error },
    ]);
    sim.after(60);
    sim.bringUp();
    expect(sim.runnerOf('queued')).toBeDefined();
  });

  it('does not end calls that another runner may serve', () => {
    const sim = createSim();
    const settings = settingsOf({ startupTimeoutSeconds: 20 });
    sim.deploy({ scale: scaleOf({ maxConcurrency: 2 }), settings });
    sim.submit(['busy']);
    sim.bringUp();
    sim.submit(['waiting'], { kind: 'direct' });
    const starting = sim.runners().find(({ state }) => state.kind === 'pending')?.id ?? '';
    sim.send({ type: 'runnerStarted', runnerId: starting });
    expect(sim.after(20)).toEqual([{ type: 'killRunner', runnerId: starting }]);
    expect(types(sim.end('busy'))).toContain('assign');
  });

  it('is no start failure when it is killed or stopped by hand', () => {
    for (const type of ['runnerKillRequested', 'runnerStopRequested'] as const) {
      const { sim, runnerId } = starting();
      const effects = sim.send({ type, runnerId, replaceFirst: false });
      expect(effects[0]).toEqual({ type: 'killRunner', runnerId });
      expect(types(effects)).toEqual(['killRunner', 'startRunner']);
    }
  });

  it('keeps its settings when those of the revision change', () => {
    const { sim, runnerId } = starting(20);
    const { scale } = sim.world.apps.get('app') ?? {};
    if (scale === undefined) throw new Error('the app is there');
    sim.send({ type: 'aliasScaled', alias: 'app', scale, settings: settingsOf({ startupTimeoutSeconds: 99 }) });
    expect(sim.runners()[0]?.settings.startupTimeoutSeconds).toBe(20);
    sim.send({ type: 'runnerKillRequested', runnerId });
    expect(sim.runners()[0]?.settings.startupTimeoutSeconds).toBe(99);
  });

  it('ignores events of unknown runners', () => {
    const { sim } = starting();
    const runnerId = 'unknown';
    for (const type of ['runnerStarted', 'runnerReady', 'runnerKillRequested'] as const) {
      expect(sim.send({ type, runnerId })).toEqual([]);
    }
    expect(sim.send({ type: 'runnerPulling', runnerId, percent: 1 })).toEqual([]);
    expect(sim.send({ type: 'runnerExited', runnerId, reason: '' })).toEqual([]);
    expect(sim.send({ type: 'runnerStopRequested', runnerId, replaceFirst: true })).toEqual([]);
    expect(sim.send({ type: 'healthProbed', runnerId, ok: false, onDemand: true })).toEqual([]);
    expect(sim.send({ type: 'tcpChecked', runnerId, ok: false })).toEqual([]);
  });

  it('that is reported ready twice keeps its requests', () => {
    const { sim, runnerId } = starting();
    sim.bringUp();
    expect(sim.send({ type: 'runnerReady', runnerId })).toEqual([]);
    expect(sim.send({ type: 'runnerStarted', runnerId })).toEqual([]);
    expect(sim.states()).toEqual(['running']);
    expect(sim.runnerOf('r')).toBe(runnerId);
  });
});
