import { describe, expect, it } from 'vitest';
import type { Effect } from '../effects.ts';
import type { Event } from '../events.ts';
import { scaleOf, settingsOf } from '../testing/samples.ts';
import { createSim, type Sim, types } from '../testing/sim.ts';
import type { DebugState, RevisionSettings, ScaleSettings } from '../types.ts';

/** One runner, ready at 0 unless `isUp` is false. */
function running(scale: Partial<ScaleSettings> = {}, settings: Partial<RevisionSettings> = {}, isUp = true) {
  const sim = createSim();
  sim.deploy({ scale: scaleOf({ maxConcurrency: 1, ...scale }), settings: settingsOf(settings) });
  sim.submit(['first']);
  const [{ id: runnerId } = { id: '' }] = sim.runners();
  if (isUp) sim.bringUp();
  else sim.send({ type: 'runnerStarted', runnerId });
  return { sim, runnerId, debug: (debug: DebugState | null) => sim.send({ type: 'runnerDebugged', runnerId, debug }) };
}

const regular = { ...settingsOf().health, callRegularly: true, startPeriodSeconds: 0, failureThreshold: 1 };
const swap: Extract<Event, { type: 'aliasReloaded' }> = {
  type: 'aliasReloaded',
  alias: 'app',
  revision: 'rev2',
  from: 'rev1',
  how: 'swap',
  scale: scaleOf({ minConcurrency: 2, maxConcurrency: 2 }),
  settings: settingsOf({ health: regular }),
};
const other = (sim: Sim): string => sim.runners()[1]?.id ?? '';

describe('while a debugger has stopped a runner', () => {
  it('no request of it runs out of time; afterwards each has what was left', () => {
    const { sim, debug } = running({ requestTimeoutSeconds: 10 });
    sim.after(4);
    expect(debug('paused')).toEqual([]);
    expect(sim.after(3600)).toEqual([]);
    debug('attached');
    expect(sim.after(5.999)).toEqual([]);
    expect(types(sim.after(0.001))).toContain('abortAttempt');
  });

  it('a request that is assigned meanwhile has its whole time', () => {
    const { sim, debug } = running({ requestTimeoutSeconds: 10 }, { maxMultiplexing: 2 });
    debug('paused');
    sim.after(100);
    sim.submit(['second']);
    sim.after(100);
    debug(null);
    sim.end('first');
    expect(sim.after(9.999)).toEqual([]);
    expect(types(sim.after(0.001))).toContain('abortAttempt');
  });

  it.each(['paused', 'waiting'] as const)('its start has no limit (%s)', (state) => {
    const { sim, debug } = running({}, { startupTimeoutSeconds: 20 }, false);
    sim.after(15);
    debug(state);
    expect(sim.after(3600)).toEqual([]);
    debug('attached');
    expect(sim.after(4.999)).toEqual([]);
    expect(types(sim.after(0.001))).toContain('killRunner');
  });

  it('is not checked, and what an earlier check finds does not count', () => {
    const { sim, runnerId, debug } = running({}, { startupTimeoutSeconds: 0.001, health: regular });
    expect(types(sim.after(15))).toEqual(['probeHealth']);
    debug('paused');
    const failed: Event = { type: 'healthProbed', runnerId, ok: false, onDemand: false };
    expect([sim.send(failed), sim.after(3600)]).toEqual([[], []]);
    expect(sim.send({ ...failed, onDemand: true })).toEqual([]);
    expect(sim.send({ type: 'tcpChecked', runnerId, ok: false })).toEqual([]);
    debug('attached');
    expect(types(sim.after(15))).toEqual(['probeHealth']);
    expect(types(sim.send(failed))).toContain('terminateRunner');
  });

  it.each<[what: string, meanwhile: (sim: Sim, runnerId: string) => void, before?: Event]>([
    ['nothing happens', () => undefined],
    ['a swap of its code is ordered', (sim) => sim.send(swap)],
    [
      'a swap of its code ends that was ordered before',
      (sim, runnerId) => sim.send({ type: 'runnerSwapped', runnerId, revision: 'rev2', ok: true, reason: '' }),
      swap,
    ],
    ['its app gets other settings', (sim) => sim.send({ ...swap, how: 'settings' })],
    ['another runner of its app ends', (sim) => sim.send({ type: 'runnerExited', runnerId: other(sim), reason: 'x' })],
  ])('its checks are suspended, and go on afterwards: %s', (_what, meanwhile, before) => {
    const health = { ...regular, callRegularly: before === undefined };
    const { sim, runnerId, debug } = running({ minConcurrency: 2, maxConcurrency: 2 }, { health });
    const checks = (effects: readonly Effect[]) =>
      effects.filter((effect) => effect.type === 'probeHealth' && effect.runnerId === runnerId).length;
    sim.end('first');
    if (before) sim.send(before);
    debug('paused');
    sim.after(20);
    meanwhile(sim, runnerId);
    expect(checks(sim.after(20))).toBe(0);
    debug('attached');
    for (let n = 1; n < 4; n++) {
      expect(checks(sim.after(15)), `check ${n}`).toBe(1);
      sim.send({ type: 'healthProbed', runnerId, ok: true, onDemand: false });
    }
  });

  it('a runner in the place of one that exits is checked, too', () => {
    const { sim, runnerId, debug } = running({ minConcurrency: 1 }, { health: regular });
    sim.end('first');
    debug('paused');
    sim.send({ type: 'runnerExited', runnerId, reason: 'exit code 1' });
    sim.bringUp();
    expect(sim.after(15)).toEqual([{ type: 'probeHealth', runnerId: sim.runners()[0]?.id }]);
  });

  it('keep_alive does not pass, and a lower max_concurrency does not end it', () => {
    const { sim, debug } = running({ keepAliveSeconds: 60 });
    sim.end('first');
    sim.after(50);
    debug('paused');
    const lower = scaleOf({ keepAliveSeconds: 60, maxConcurrency: 0 });
    expect(sim.send({ type: 'aliasScaled', alias: 'app', scale: lower, settings: settingsOf() })).toEqual([]);
    const scale = scaleOf({ keepAliveSeconds: 60, maxConcurrency: 1 });
    sim.send({ type: 'aliasScaled', alias: 'app', scale, settings: settingsOf() });
    expect(sim.after(3600)).toEqual([]);
    debug('attached');
    expect(sim.after(9.999)).toEqual([]);
    expect(types(sim.after(0.001))).toEqual(['terminateRunner']);
  });

  it('a swap of its code waits, and has its whole time afterwards', () => {
    const { sim, runnerId, debug } = running();
    const waits = () => sim.notes.filter(({ topic }) => topic === 'runner.reload').length;
    debug('paused');
    expect(waits()).toBe(0);
    const reload = { revision: 'rev2', from: 'rev1', how: 'swap', scale: scaleOf(), settings: settingsOf() } as const;
    expect(sim.send({ type: 'aliasReloaded', alias: 'app', ...reload })).toEqual([]);
    expect([sim.after(3600), waits()]).toEqual([[], 1]);
    expect(debug('attached')).toEqual([{ type: 'swapRunner', runnerId, revision: 'rev2' }]);
    debug('paused');
    expect(waits(), 'it was asked, and is stopped again').toBe(2);
    expect(sim.after(3600)).toEqual([]);
    expect(debug(null)).toEqual([]);
    expect(types(sim.send({ type: 'runnerSwapped', runnerId, revision: 'rev2', ok: true, reason: '' }))).toEqual([
      'aliasMoved',
    ]);
  });

  it('a person can still stop and kill it', () => {
    const { sim, runnerId, debug } = running();
    debug('paused');
    sim.send({ type: 'runnerStopRequested', runnerId, replaceFirst: false });
    expect(sim.states()).toEqual(['draining']);
    expect(types(sim.send({ type: 'runnerKillRequested', runnerId }))).toContain('killRunner');
  });

  it('requests in the queue keep their own limits', () => {
    const { sim, debug } = running();
    sim.submit(['second'], { startBy: 30_000 });
    debug('paused');
    expect(types(sim.after(30))).toEqual(['failRequest']);
  });
});

describe('the debugger of a runner', () => {
  it('is known, with the time since when', () => {
    const { sim, debug } = running();
    const known = () => sim.runners()[0]?.debug;
    expect(known()).toBeNull();
    sim.after(1);
    debug('attached');
    expect(known()).toEqual({ state: 'attached', since: 1000 });
    sim.after(1);
    debug('attached');
    expect(known(), 'nothing new').toEqual({ state: 'attached', since: 1000 });
    debug(null);
    expect(known()).toBeNull();
  });
});
