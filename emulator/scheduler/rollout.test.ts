import { describe, expect, it } from 'vitest';
import { scaleOf, settingsOf } from './testing/samples.ts';
import { createSim, types } from './testing/sim.ts';

/** `count` runners that don't expire; the first one has the request `r`. */
function serving(count: number) {
  const sim = createSim();
  sim.deploy({ scale: scaleOf({ minConcurrency: count, maxConcurrency: count }) });
  const ids = sim.bringUp();
  sim.submit(['r']);
  return { sim, ids };
}

describe('a graceful rollout', () => {
  it('starts replacements first, and ends each old runner when its replacement is ready', () => {
    const { sim, ids } = serving(2);
    const effects = sim.send({ type: 'rolloutRequested', alias: 'app', force: false });
    expect(types(effects)).toEqual(['startRunner', 'startRunner']);
    expect(sim.runners().map((r) => [r.state.kind, r.replacement])).toEqual([
      ['running', 'will'],
      ['idle', 'will'],
      ['pending', 'none'],
      ['pending', 'none'],
    ]);
    const third = sim.runners()[2]?.id ?? '';
    sim.send({ type: 'runnerStarted', runnerId: third });
    expect(sim.send({ type: 'runnerReady', runnerId: third }), 'the busy one drains').toEqual([]);
    expect(sim.runners()[0]).toMatchObject({ replacement: 'did', state: { kind: 'draining', why: 'rollout' } });
    sim.bringUp();
    expect(sim.states()).toEqual(['draining', 'terminating', 'idle', 'idle']);
    expect(types(sim.end('r'))).toEqual(['acceptAttempt', 'terminateRunner']);
    expect(sim.runners()[1]?.id).toBe(ids[1]);
  });

  it('ends surplus idle runners without a replacement', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['a', 'b']);
    const [first, second] = sim.bringUp();
    sim.end('a');
    const effects = sim.send({ type: 'rolloutRequested', alias: 'app', force: false });
    expect(effects).toMatchObject([{ type: 'terminateRunner', runnerId: first }, { type: 'startRunner' }]);
    expect(sim.runners()[1]).toMatchObject({ id: second, replacement: 'will' });
  });

  it('does nothing when nothing runs', () => {
    const sim = createSim();
    sim.deploy();
    expect(sim.send({ type: 'rolloutRequested', alias: 'app', force: false })).toEqual([]);
  });

  it('restarts runners that are not ready yet', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['a']);
    expect(types(sim.send({ type: 'rolloutRequested', alias: 'app', force: false }))).toEqual([
      'killRunner',
      'startRunner',
    ]);
  });

  it('assigns work to old runners while their replacements start', () => {
    const { sim, ids } = serving(2);
    sim.send({ type: 'rolloutRequested', alias: 'app', force: false });
    sim.submit(['next']);
    expect(sim.runnerOf('next')).toBe(ids[1]);
  });

  it('tries again, with back-off, when a replacement fails to start; the old runner continues', () => {
    const { sim, ids } = serving(1);
    sim.send({ type: 'rolloutRequested', alias: 'app', force: false });
    sim.send({ type: 'runnerExited', runnerId: sim.runners()[1]?.id ?? '', reason: 'exit code 1' });
    expect(sim.states()).toEqual(['running', 'failureDelay']);
    sim.after(30);
    sim.bringUp();
    expect(sim.runners().map((r) => [r.id === ids[0], r.state.kind])).toEqual([
      [true, 'draining'],
      [false, 'idle'],
    ]);
  });

  it('keeps the replacement in place of an old runner that ends before it is ready', () => {
    const { sim, ids } = serving(1);
    sim.send({ type: 'rolloutRequested', alias: 'app', force: false });
    const effects = sim.send({ type: 'runnerExited', runnerId: ids[0] ?? '', reason: 'exit code 1' });
    expect(types(effects), 'no third runner').toEqual(['abortAttempt', 'requeueRequest']);
    expect(sim.states()).toEqual(['pending']);
    sim.after(1);
    sim.bringUp();
    expect(sim.runnerOf('r')).toBeDefined();
  });

  it('has no further effect when it is requested twice', () => {
    const { sim } = serving(1);
    sim.send({ type: 'rolloutRequested', alias: 'app', force: false });
    const effects = sim.send({ type: 'rolloutRequested', alias: 'app', force: false });
    expect(types(effects), 'only the replacement begins again').toEqual(['killRunner', 'startRunner']);
    expect(sim.states()).toEqual(['running', 'pending']);
  });
});

describe('a forced rollout', () => {
  it('kills every runner: in-flight attempts are aborted, queued ones retried on new runners', () => {
    const { sim, ids } = serving(2);
    sim.submit(['direct'], { kind: 'direct' });
    expect(sim.send({ type: 'rolloutRequested', alias: 'app', force: true })).toMatchObject([
      { type: 'abortAttempt', requestId: 'r' },
      { type: 'requeueRequest', requestId: 'r', because: 'the runner was replaced by a rollout' },
      { type: 'killRunner', runnerId: ids[0] },
      { type: 'abortAttempt', requestId: 'direct' },
      { type: 'failRequest', requestId: 'direct', error: { type: 'runner_disconnected' } },
      { type: 'killRunner', runnerId: ids[1] },
      { type: 'startRunner' },
      { type: 'startRunner' },
    ]);
    sim.after(1);
    sim.bringUp();
    expect(ids).not.toContain(sim.runnerOf('r'));
  });

  it('spares runners that have no process, and the check of a deploy', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['a']);
    sim.send({ type: 'runnerExited', runnerId: sim.runners()[0]?.id ?? '', reason: 'exit code 1' });
    sim.deploy({ revision: 'rev2', strategy: 'rolling' });
    expect(sim.send({ type: 'rolloutRequested', alias: 'app', force: true })).toEqual([]);
    expect(sim.states()).toEqual(['failureDelay', 'pending']);
  });

  it('kills draining and terminating runners too', () => {
    const { sim, ids } = serving(2);
    for (const runnerId of ids) sim.send({ type: 'runnerStopRequested', runnerId, replaceFirst: false });
    expect(sim.states()).toEqual(expect.arrayContaining(['draining', 'terminating']));
    const effects = sim.send({ type: 'rolloutRequested', alias: 'app', force: true });
    for (const runnerId of ids) expect(effects).toContainEqual({ type: 'killRunner', runnerId });
  });
});

describe('stop with replace_first', () => {
  it('starts the replacement first, beyond max_concurrency, and then drains the old runner', () => {
    const { sim, ids } = serving(1);
    const stop = { type: 'runnerStopRequested', runnerId: ids[0] ?? '', replaceFirst: true } as const;
    expect(types(sim.send(stop))).toEqual(['startRunner']);
    expect(sim.runners()[0]).toMatchObject({ replacement: 'will', state: { kind: 'running' } });
    expect(sim.send(stop), 'a second time changes nothing').toEqual([]);
    sim.bringUp();
    expect(sim.runners()[0]).toMatchObject({ replacement: 'did', state: { kind: 'draining', why: 'stopped' } });
    expect(sim.states()).toEqual(['draining', 'idle']);
  });

  it('of a runner that keep_alive ends first leaves a replacement that is never used', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ keepAliveSeconds: 5 }), settings: settingsOf() });
    sim.submit(['a']);
    const [runnerId = ''] = sim.bringUp();
    sim.end('a');
    sim.send({ type: 'runnerStopRequested', runnerId, replaceFirst: true });
    sim.after(5);
    expect(sim.states()).toEqual(['terminating', 'pending']);
    sim.bringUp();
    sim.after(10);
    expect(sim.runners().map((r) => r.state.kind)).toEqual(['terminating']);
  });

  it('of a runner that is not ready is a plain stop', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['a']);
    const runnerId = sim.runners()[0]?.id ?? '';
    expect(types(sim.send({ type: 'runnerStopRequested', runnerId, replaceFirst: true }))).toEqual([
      'killRunner',
      'startRunner',
    ]);
  });
});
