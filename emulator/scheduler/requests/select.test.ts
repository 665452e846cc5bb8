import { describe, expect, it } from 'vitest';
import { scaleOf } from '../testing/samples.ts';
import { createSim } from '../testing/sim.ts';
import {
  expirationCountdownSeconds,
  isRolling,
  isWaiting,
  lastFailure,
  queuePosition,
  queueSize,
  runner,
  runnersOf,
  waitingIds,
  waitingInOrder,
} from './select.ts';

describe('the queue', () => {
  function queue() {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ maxConcurrency: 1 }) });
    sim.submit(['running']);
    sim.bringUp();
    sim.submit(['low'], { priority: 'low' });
    sim.submit(['b', 'c']);
    return sim;
  }

  it('has positions from 0 in the order of dispatch', () => {
    const sim = queue();
    expect(waitingIds(sim.world, 'app')).toEqual(['b', 'c', 'low']);
    expect(['b', 'c', 'low'].map((id) => queuePosition(sim.world, id))).toEqual([0, 1, 2]);
    expect(queueSize(sim.world, 'app')).toBe(3);
  });

  it('counts requests that wait for a retry, at their age', () => {
    const sim = queue();
    sim.end('running', 504);
    expect(waitingIds(sim.world, 'app')).toEqual(['running', 'c', 'low']);
    expect(queuePosition(sim.world, 'c')).toBe(1);
  });

  it('lists the requests that waited at the time of the call, even if some begin or end meanwhile', () => {
    const sim = queue();
    const then = waitingInOrder(sim.world, 'app');
    expect(then.next().value).toBe('b');
    sim.end('running');
    sim.send({ type: 'requestWithdrawn', requestId: 'c' });
    expect([...then]).toEqual(['c', 'low']);
    expect(['b', 'c', 'low'].map((id) => isWaiting(sim.world, id))).toEqual([false, false, true]);
    expect(waitingIds(sim.world, 'app', 1)).toEqual(['low']);
  });

  it('returns 0 for a request that does not wait, and nothing for an unknown alias', () => {
    const sim = queue();
    expect(queuePosition(sim.world, 'running')).toBe(0);
    expect(queuePosition(sim.world, 'unknown')).toBe(0);
    expect(queueSize(sim.world, 'unknown')).toBe(0);
    expect(waitingIds(sim.world, 'unknown')).toEqual([]);
    expect([...waitingInOrder(sim.world, 'unknown')]).toEqual([]);
    expect(isRolling(sim.world, 'unknown')).toBe(false);
  });
});

describe('the runners', () => {
  it('are listed by alias or all together, and found by id', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ minConcurrency: 2 }) });
    sim.deploy({ alias: 'other', scale: scaleOf({ minConcurrency: 1 }) });
    expect(runnersOf(sim.world, 'app').map((r) => r.alias)).toEqual(['app', 'app']);
    expect(runnersOf(sim.world)).toHaveLength(3);
    expect(runnersOf(sim.world, 'unknown')).toEqual([]);
    const [first] = runnersOf(sim.world, 'other');
    expect(runner(sim.world, first?.id ?? '')).toBe(first);
    expect(runner(sim.world, 'unknown')).toBeUndefined();
  });
});

describe('expirationCountdownSeconds', () => {
  function three(minConcurrency: number) {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ minConcurrency }) });
    sim.submit(['a', 'b', 'c']);
    const ids = sim.bringUp();
    sim.end('b');
    sim.after(10);
    sim.end('a');
    return { sim, countdowns: () => ids.map((id) => expirationCountdownSeconds(sim.world, id, sim.now)) };
  }

  it('counts keep_alive down on surplus idle runners, rounded up', () => {
    const { sim, countdowns } = three(0);
    expect(countdowns()).toEqual([60, 50, null]);
    sim.after(0.5);
    expect(countdowns()).toEqual([60, 50, null]);
    sim.after(0.5);
    expect(countdowns()).toEqual([59, 49, null]);
  });

  it('does not count down on runners that min_concurrency needs: the longest idle one expires first', () => {
    expect(three(2).countdowns()).toEqual([null, 50, null]);
  });

  it('counts 10 s on a runner that was never used', () => {
    const sim = createSim();
    sim.deploy({ strategy: 'rolling' });
    const [id = ''] = sim.bringUp();
    sim.after(4);
    expect(expirationCountdownSeconds(sim.world, id, sim.now)).toBe(6);
  });

  it('is null for an unknown runner, and goes by age among equals', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ minConcurrency: 1 }) });
    sim.submit(['a', 'b']);
    const ids = sim.bringUp();
    sim.end('a');
    sim.end('b');
    expect(ids.map((id) => expirationCountdownSeconds(sim.world, id, sim.now))).toEqual([60, null]);
    expect(expirationCountdownSeconds(sim.world, 'unknown', 0)).toBeNull();
  });
});

describe('why the last start failed', () => {
  it('is kept when no request waits any more, until a runner is ready', () => {
    const sim = createSim();
    sim.deploy();
    expect(lastFailure(sim.world, 'app')).toBeNull();
    sim.submit(['a']);
    sim.send({ type: 'runnerExited', runnerId: sim.runners()[0]?.id ?? '', reason: 'It exited with code 1.' });
    sim.send({ type: 'requestWithdrawn', requestId: 'a' });
    sim.after(3_600);
    expect(lastFailure(sim.world, 'app')).toBe('It exited with code 1.');
    sim.submit(['b']);
    sim.after(3_600);
    sim.bringUp();
    expect(lastFailure(sim.world, 'app')).toBeNull();
  });
});
