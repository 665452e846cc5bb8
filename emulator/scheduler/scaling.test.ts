import { describe, expect, it } from 'vitest';
import { scaleOf, settingsOf } from './testing/samples.ts';
import { createSim, types } from './testing/sim.ts';

describe('starting runners', () => {
  it('starts one per request, up to max_concurrency', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ maxConcurrency: 2 }) });
    expect(types(sim.submit(['a', 'b', 'c']))).toEqual(['startRunner', 'startRunner']);
  });

  it('counts runners that are still starting', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['a']);
    expect(sim.send({ type: 'tick' })).toEqual([]);
    sim.send({ type: 'runnerStarted', runnerId: sim.runners()[0]?.id ?? '' });
    expect(sim.states()).toEqual(['setup']);
  });

  it('starts fewer with max_multiplexing', () => {
    const sim = createSim();
    sim.deploy({ settings: settingsOf({ maxMultiplexing: 4 }) });
    expect(types(sim.submit(['a', 'b', 'c', 'd', 'e']))).toEqual(['startRunner', 'startRunner']);
  });

  it('keeps min_concurrency without any request, and brings it back when a runner ends', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ minConcurrency: 2 }) });
    const [first] = sim.bringUp();
    expect(sim.after(86_400)).toEqual([]);
    expect(types(sim.send({ type: 'runnerKillRequested', runnerId: first ?? '' }))).toEqual([
      'killRunner',
      'startRunner',
    ]);
  });

  it('keeps a buffer beyond the demand', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ concurrencyBuffer: 1 }) });
    sim.bringUp();
    expect(types(sim.submit(['a']))).toEqual(['assign', 'startRunner']);
  });

  it('starts a runner only for a request that waited for scaling_delay', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ scalingDelaySeconds: 30 }) });
    expect(sim.submit(['a'])).toEqual([]);
    expect(sim.after(29.999)).toEqual([]);
    expect(types(sim.after(0.001))).toEqual(['startRunner']);
  });

  it('starts none when a runner frees within scaling_delay (documented example)', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ scalingDelaySeconds: 30 }) });
    sim.submit(['busy']);
    sim.after(30);
    sim.bringUp();
    sim.submit(['waiting']);
    sim.after(20);
    expect(types(sim.end('busy'))).toEqual(['acceptAttempt', 'assign']);
    sim.after(60);
    expect(sim.states()).toEqual(['running']);
  });

  it('measures scaling_delay by the oldest request, whatever its priority', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ scalingDelaySeconds: 30 }) });
    sim.submit(['old'], { priority: 'low' });
    sim.after(20);
    sim.submit(['young']);
    expect(sim.after(9.999)).toEqual([]);
    expect(types(sim.after(0.001))).toEqual(['startRunner', 'startRunner']);
  });

  it('measures scaling_delay after a retry from when the request began to wait again', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ scalingDelaySeconds: 30 }) });
    sim.submit(['a']);
    sim.after(30);
    sim.bringUp();
    sim.after(100);
    expect(types(sim.end('a', { kind: 'disconnected' }))).toEqual(['requeueRequest', 'terminateRunner']);
    expect(types(sim.after(1 + 29.999)), 'the retry comes after 1 s').toEqual(['killRunner']);
    expect(types(sim.after(0.001))).toEqual(['startRunner']);
  });

  it('measures scaling_delay of a request that a crash interrupted from the next start of the emulator', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ scalingDelaySeconds: 30 }) });
    sim.after(100);
    expect(sim.submit(['a'], { submittedAt: 0, attempts: 1 })).toEqual([]);
    expect(types(sim.after(30))).toEqual(['startRunner']);
  });

  it('does not delay a request whose clock is ahead when there is no scaling_delay', () => {
    const sim = createSim();
    sim.deploy();
    expect(types(sim.submit(['a'], { submittedAt: 5000 }))).toEqual(['startRunner']);
  });

  it('does not count requests on draining runners, because those runners are not counted either', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['a']);
    const [runnerId] = sim.bringUp();
    expect(sim.send({ type: 'runnerStopRequested', runnerId: runnerId ?? '', replaceFirst: false })).toEqual([]);
    expect(types(sim.submit(['b']))).toEqual(['startRunner']);
    expect(sim.states()).toEqual(['draining', 'pending']);
  });
});

describe('ending surplus runners', () => {
  function idleAfterOne(keepAliveSeconds: number) {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ keepAliveSeconds }) });
    sim.submit(['a']);
    sim.bringUp();
    sim.after(100);
    sim.end('a');
    return sim;
  }

  it('ends a runner keep_alive after its last request', () => {
    const sim = idleAfterOne(60);
    expect(sim.after(59.999)).toEqual([]);
    expect(types(sim.after(0.001))).toEqual(['terminateRunner']);
    expect(sim.runners()[0]?.state).toMatchObject({ kind: 'terminating', why: 'keep_alive', killAt: 165_000 });
  });

  it('restarts keep_alive with the next request', () => {
    const sim = idleAfterOne(60);
    sim.after(59);
    sim.submit(['b']);
    sim.end('b');
    expect(sim.after(59)).toEqual([]);
    expect(types(sim.after(1))).toEqual(['terminateRunner']);
  });

  it('ends it immediately with keep_alive 0', () => {
    expect(idleAfterOne(0).states()).toEqual(['terminating']);
  });

  it('assigns a waiting request before keep_alive 0 can end the runner', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ keepAliveSeconds: 0, maxConcurrency: 1 }) });
    sim.submit(['a', 'b']);
    sim.bringUp();
    expect(types(sim.end('a'))).toEqual(['acceptAttempt', 'assign']);
    expect(types(sim.end('b'))).toEqual(['acceptAttempt', 'terminateRunner']);
  });

  it('ends a runner that never got a request after 10 s', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ keepAliveSeconds: 300 }) });
    sim.submit(['a']);
    sim.send({ type: 'requestWithdrawn', requestId: 'a' });
    sim.bringUp();
    expect(sim.after(9.999)).toEqual([]);
    expect(types(sim.after(0.001))).toEqual(['terminateRunner']);
    expect(sim.runners()[0]?.state).toMatchObject({ why: 'never_used' });
  });

  it('keeps the runners that min_concurrency needs, and ends only the others', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ minConcurrency: 1 }) });
    sim.submit(['a', 'b', 'c']);
    sim.bringUp();
    for (const id of ['a', 'b', 'c']) sim.end(id);
    sim.after(60);
    expect(sim.states().toSorted()).toEqual(['idle', 'terminating', 'terminating']);
  });

  it('keeps the runners that a buffer needs', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ concurrencyBuffer: 1, keepAliveSeconds: 0 }) });
    sim.bringUp();
    sim.after(3600);
    expect(sim.states()).toEqual(['idle']);
  });

  it('ends the longest idle runner', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ minConcurrency: 1 }) });
    sim.submit(['a', 'b']);
    const [first, second] = sim.bringUp();
    sim.end('b');
    sim.after(30);
    sim.end('a');
    sim.after(30);
    expect(sim.runners().map((r) => [r.id, r.state.kind])).toEqual([
      [first, 'idle'],
      [second, 'terminating'],
    ]);
  });

  it('does not count a starting runner in place of a serving one', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ keepAliveSeconds: 0 }) });
    sim.submit(['a', 'b']);
    const first = sim.runners()[0]?.id ?? '';
    sim.send({ type: 'runnerStarted', runnerId: first });
    sim.send({ type: 'runnerReady', runnerId: first });
    sim.send({ type: 'aliasScaled', alias: 'app', scale: scaleOf({ minConcurrency: 1 }), settings: settingsOf() });
    sim.end('a');
    sim.end('b');
    sim.after(60);
    expect(sim.states()).toEqual(['idle', 'pending']);
  });

  it('applies a changed keep_alive immediately', () => {
    const sim = idleAfterOne(300);
    sim.after(100);
    const scale = scaleOf({ keepAliveSeconds: 60 });
    expect(types(sim.send({ type: 'aliasScaled', alias: 'app', scale, settings: settingsOf() }))).toEqual([
      'terminateRunner',
    ]);
  });
});

describe('lowering max_concurrency', () => {
  it('ends starting runners first, then idle ones, then the least busy', () => {
    const sim = createSim();
    const settings = settingsOf({ maxMultiplexing: 2 });
    sim.deploy({ scale: scaleOf({ minConcurrency: 3 }), settings });
    const [one, two, three] = sim.bringUp();
    sim.submit(['a', 'b', 'c', 'd', 'e']);
    sim.end('b');
    expect(sim.runners().map((r) => ('attempts' in r.state ? r.state.attempts.length : 0))).toEqual([2, 1, 1]);
    sim.send({ type: 'aliasScaled', alias: 'app', scale: scaleOf({ minConcurrency: 4 }), settings });
    const starting = sim.runners()[3]?.id ?? '';
    const lower = (max: number) =>
      sim.send({ type: 'aliasScaled', alias: 'app', scale: scaleOf({ maxConcurrency: max }), settings });
    expect(lower(3)).toEqual([{ type: 'killRunner', runnerId: starting }]);
    sim.end('c');
    expect(lower(2)).toEqual([{ type: 'terminateRunner', runnerId: three }]);
    expect(lower(1)).toEqual([]);
    expect(sim.runners().map((r) => [r.id, r.state.kind])).toEqual([
      [one, 'running'],
      [two, 'draining'],
      [three, 'terminating'],
    ]);
  });

  it('drops runners that back off before all others', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['a', 'b']);
    const [, second] = sim.runners();
    sim.send({ type: 'runnerExited', runnerId: second?.id ?? '', reason: 'exit code 1' });
    expect(sim.states()).toEqual(['pending', 'failureDelay']);
    const scale = scaleOf({ maxConcurrency: 1 });
    expect(sim.send({ type: 'aliasScaled', alias: 'app', scale, settings: settingsOf() })).toEqual([]);
    expect(sim.states()).toEqual(['pending']);
  });

  it('to 0 ends all runners and starts none', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ maxConcurrency: 1 }) });
    sim.submit(['a', 'b']);
    sim.bringUp();
    sim.send({ type: 'aliasScaled', alias: 'app', scale: scaleOf({ maxConcurrency: 0 }), settings: settingsOf() });
    sim.end('a');
    expect(sim.states()).toEqual(['terminating']);
  });
});
