import { describe, expect, it } from 'vitest';
import { createSim } from '../testing/sim.ts';
import { failureDelaySeconds } from './failures.ts';

describe('failureDelaySeconds', () => {
  it.each([
    [1, 30],
    [2, 60],
    [3, 90],
    [19, 570],
    [20, 600],
    [21, 600],
  ])('after %i failures is %i s', (failures, seconds) => {
    expect(failureDelaySeconds(failures)).toBe(seconds);
  });
});

describe('start failures', () => {
  /** An app with one waiting request, whose runners fail immediately. */
  function failing() {
    const sim = createSim();
    sim.deploy();
    sim.submit(['r']);
    return sim;
  }

  function failStarting(sim: ReturnType<typeof failing>): void {
    for (const { id, state } of sim.runners()) {
      if (state.kind === 'pending') sim.send({ type: 'runnerExited', runnerId: id, reason: 'exit code 1' });
    }
  }

  it('are followed by growing delays: 0, 30, 90, 180, 300 s (the documented example)', () => {
    const sim = failing();
    failStarting(sim);
    for (let i = 0; i < 320; i += 1) {
      sim.after(1);
      failStarting(sim);
    }
    const starts = sim.log.filter(({ effect }) => effect.type === 'startRunner').map(({ at }) => at / 1000);
    expect(starts).toEqual([0, 30, 90, 180, 300]);
  });

  it('make a second runner wait, too, and count it against the demand', () => {
    const sim = failing();
    failStarting(sim);
    sim.after(10);
    sim.submit(['second']);
    expect(sim.runners().map((r) => r.state)).toEqual([
      { kind: 'failureDelay', since: 0, retryAt: 30_000, failures: 1 },
      { kind: 'failureDelay', since: 10_000, retryAt: 40_000, failures: 1 },
    ]);
  });

  it('are reset when any runner becomes ready, and all waiting runners start', () => {
    const sim = failing();
    sim.submit(['second', 'third']);
    const [first, second] = sim.runners().map((r) => r.id);
    sim.send({ type: 'runnerExited', runnerId: second ?? '', reason: 'exit code 1' });
    expect(sim.states()).toEqual(['pending', 'pending', 'failureDelay']);
    sim.send({ type: 'runnerStarted', runnerId: first ?? '' });
    sim.send({ type: 'runnerReady', runnerId: first ?? '' });
    expect(sim.states()).toEqual(['running', 'pending', 'pending']);
    const third = sim.runners()[1]?.id ?? '';
    sim.send({ type: 'runnerExited', runnerId: third, reason: 'exit code 1' });
    expect(sim.runners().at(-1)?.state).toMatchObject({ kind: 'failureDelay', failures: 1 });
  });

  it('are the reason why the next runner waits', () => {
    const sim = failing();
    sim.send({ type: 'runnerExited', runnerId: sim.runners()[0]?.id ?? '', reason: 'No\n weights.' });
    expect(sim.notes.findLast(({ to }) => to === 'FAILURE_DELAY')?.reason).toEqual({
      code: 'start_failures',
      numbers: { failures: 1 },
      since: sim.now,
      until: sim.now + 30_000,
      evidence: 'No weights',
      action: 'read_start_failure',
      also: null,
    });
  });

  it('of an old revision do not delay a new one', () => {
    const sim = failing();
    failStarting(sim);
    sim.deploy({ revision: 'rev2' });
    expect(sim.runners().map((r) => [r.revision, r.state.kind])).toEqual([['rev2', 'pending']]);
  });

  it('leave nothing behind when the request is withdrawn: a runner that backs off has no process to end', () => {
    const sim = failing();
    failStarting(sim);
    const effects = sim.send({ type: 'requestWithdrawn', requestId: 'r' });
    expect(effects).toEqual([{ type: 'failRequest', requestId: 'r', error: { type: 'client_cancelled' } }]);
    expect(sim.runners()).toEqual([]);
  });

  it('start the next runner with the settings at that time', () => {
    const sim = failing();
    failStarting(sim);
    const { scale, live } = sim.world.apps.get('app') ?? {};
    if (scale === undefined || !live) throw new Error('the app is there');
    sim.send({ type: 'aliasScaled', alias: 'app', scale, settings: { ...live.settings, startupTimeoutSeconds: 7 } });
    sim.after(30);
    expect(sim.runners()[0]).toMatchObject({ state: { kind: 'pending' }, settings: { startupTimeoutSeconds: 7 } });
  });

  it('ignore process events for a runner that backs off', () => {
    const sim = failing();
    failStarting(sim);
    const runnerId = sim.runners()[0]?.id ?? '';
    expect(sim.send({ type: 'runnerExited', runnerId, reason: 'late' })).toEqual([]);
    expect(sim.send({ type: 'runnerStarted', runnerId })).toEqual([]);
    expect(sim.send({ type: 'runnerReady', runnerId })).toEqual([]);
    expect(sim.states()).toEqual(['failureDelay']);
  });
});
