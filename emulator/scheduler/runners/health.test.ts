import { describe, expect, it } from 'vitest';
import { scaleOf, settingsOf } from '../testing/samples.ts';
import { createSim, types } from '../testing/sim.ts';
import type { HealthPolicy } from '../types.ts';

/** One serving runner that doesn't expire, started and ready at 0. */
function serving(health: Partial<HealthPolicy> = {}, startupTimeoutSeconds = 0.001) {
  const sim = createSim();
  const defaults = settingsOf().health;
  const settings = settingsOf({
    startupTimeoutSeconds,
    health: { ...defaults, callRegularly: true, startPeriodSeconds: 0, ...health },
  });
  sim.deploy({ scale: scaleOf({ minConcurrency: 1, maxConcurrency: 1 }), settings });
  const [runnerId = ''] = sim.bringUp();
  const answer = (ok: boolean, onDemand = false) => sim.send({ type: 'healthProbed', runnerId, ok, onDemand });
  return { sim, runnerId, answer };
}

describe('regular health checks', () => {
  it('run every 15 s, also while a request runs', () => {
    const { sim, runnerId, answer } = serving({ timeoutSeconds: 7 });
    expect(sim.after(14.999)).toEqual([]);
    expect(sim.after(0.001)).toEqual([{ type: 'probeHealth', runnerId }]);
    sim.submit(['r']);
    answer(true);
    expect(types(sim.after(15))).toEqual(['probeHealth']);
    answer(true);
    expect(types(sim.after(15))).toEqual(['probeHealth']);
  });

  it('run one at a time: an unanswered check replaces the next one', () => {
    const { sim, answer } = serving({ timeoutSeconds: 20 });
    expect(types(sim.after(44.999))).toEqual(['probeHealth']);
    answer(true, true);
    expect(sim.after(0.001), 'an answer on demand is not its answer').toEqual([]);
    answer(false);
    expect(types(sim.after(15))).toEqual(['probeHealth']);
  });

  it('do not stop after a lost answer: long after its timeout the check fails, and the next one begins', () => {
    const { sim, answer } = serving({ timeoutSeconds: 20, failureThreshold: 2 });
    expect(types(sim.after(15))).toEqual(['probeHealth']);
    expect(types(sim.after(45))).toEqual([]);
    expect(types(sim.after(15)), 'twice the timeout and an interval later').toEqual(['probeHealth']);
    answer(true);
    expect(types(sim.after(15))).toEqual(['probeHealth']);
    expect(types(sim.after(130)), 'two lost answers end the runner').toEqual([
      'probeHealth',
      'terminateRunner',
      'startRunner',
      'killRunner',
    ]);
  });

  it('do not run when the app wants checks only on demand', () => {
    expect(serving({ callRegularly: false }).sim.after(3600)).toEqual([]);
  });

  it('stop when the runner ends', () => {
    const { sim, runnerId } = serving();
    sim.submit(['r']);
    sim.send({ type: 'runnerStopRequested', runnerId, replaceFirst: false });
    const probes = sim.after(60).filter((effect) => effect.type === 'probeHealth' && effect.runnerId === runnerId);
    expect(probes).toEqual([]);
  });

  it('end the runner after failure_threshold consecutive failures', () => {
    const { sim, runnerId, answer } = serving({ failureThreshold: 3 });
    sim.after(1);
    expect([...answer(false), ...answer(false), ...answer(true), ...answer(false), ...answer(false)]).toEqual([]);
    expect(types(answer(false))).toEqual(['terminateRunner', 'startRunner']);
    expect(sim.runners()[0]).toMatchObject({ id: runnerId, state: { kind: 'terminating', why: 'unhealthy' } });
  });

  it('lose the requests in flight of an unhealthy runner', () => {
    const { sim, answer } = serving({ failureThreshold: 1 });
    sim.submit(['r']);
    sim.after(1);
    expect(answer(false)).toMatchObject([
      { type: 'abortAttempt', requestId: 'r' },
      { type: 'requeueRequest', because: 'the runner failed its health check' },
      { type: 'terminateRunner' },
      { type: 'startRunner' },
    ]);
  });

  it('may fail during the start period, counted from the start of the process', () => {
    const { sim, answer } = serving({ failureThreshold: 1, startPeriodSeconds: 40 });
    sim.after(39.999);
    expect(answer(false)).toEqual([]);
    sim.after(0.001);
    expect(types(answer(false))).toContain('terminateRunner');
  });

  it('use startup_timeout as the start period if it is longer', () => {
    const { sim, answer } = serving({ failureThreshold: 1, startPeriodSeconds: 40 }, 100);
    sim.after(99.999);
    expect(answer(false)).toEqual([]);
    sim.after(0.001);
    expect(types(answer(false))).toContain('terminateRunner');
  });
});

describe('health checks on demand', () => {
  it('end the runner at the first failure, also in the start period', () => {
    const { answer } = serving({ failureThreshold: 3, startPeriodSeconds: 600 });
    expect(types(answer(false, true))).toEqual(['terminateRunner', 'startRunner']);
  });

  it('change nothing when they pass', () => {
    const { sim, answer } = serving({ failureThreshold: 2 });
    sim.after(1);
    answer(false);
    expect(answer(true, true)).toEqual([]);
    expect(types(answer(false)), 'the regular count continues').toContain('terminateRunner');
  });

  it('end a draining runner, too, but do not affect a terminating one', () => {
    const { sim, runnerId, answer } = serving();
    sim.submit(['r']);
    sim.send({ type: 'runnerStopRequested', runnerId, replaceFirst: false });
    expect(types(answer(false, true))).toEqual(['abortAttempt', 'requeueRequest', 'terminateRunner']);
    expect(answer(false, true)).toEqual([]);
  });
});

describe('the TCP check', () => {
  it('replaces a runner whose port is closed', () => {
    const { sim, runnerId } = serving();
    sim.submit(['r']);
    sim.end('r', 502);
    expect(types(sim.send({ type: 'tcpChecked', runnerId, ok: false }))).toEqual(['terminateRunner', 'startRunner']);
    expect(sim.runners()[0]?.state).toMatchObject({ why: 'unhealthy' });
  });

  it('keeps one whose port is open', () => {
    const { sim, runnerId } = serving();
    expect(sim.send({ type: 'tcpChecked', runnerId, ok: true })).toEqual([]);
    expect(sim.states()).toEqual(['idle']);
  });
});
