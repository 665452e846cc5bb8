import { describe, expect, it } from 'vitest';
import { lossDelaySeconds } from './runners/failures.ts';
import { scaleOf } from './testing/samples.ts';
import { createSim, types } from './testing/sim.ts';

type Sim = ReturnType<typeof createSim>;

/** Reports that the supervisor of all these runners died. */
function lose(sim: Sim, runnerIds = sim.runners().map(({ id }) => id)) {
  return runnerIds.flatMap((runnerId) =>
    sim.send({ type: 'runnerExited', runnerId, reason: 'The supervisor died.', cause: 'supervisor_lost' }),
  );
}

function startsOf(sim: Sim): number[] {
  return sim.log.filter(({ effect }) => effect.type === 'startRunner').map(({ at }) => at / 1000);
}

describe('the death of a supervisor', () => {
  it('immediately restarts ten runners that were starting, without a start failure', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(Array.from({ length: 10 }, (_, i) => `r${i}`));
    expect(types(lose(sim))).toEqual(Array(10).fill('startRunner'));
    expect(sim.states()).toEqual(Array(10).fill('pending'));
    expect(sim.world.apps.get('app')?.trouble).toMatchObject({ failures: 0, lastFailure: null });
  });

  it('immediately restarts serving and idle runners; queued requests are retried, direct ones are not', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ minConcurrency: 3 }) });
    sim.bringUp();
    sim.submit(['queued']);
    sim.submit(['direct'], { kind: 'direct' });
    const effects = lose(sim);
    expect(sim.states()).toEqual(['pending', 'pending', 'pending']);
    expect(effects).toContainEqual(expect.objectContaining({ type: 'requeueRequest', requestId: 'queued' }));
    expect(effects).toContainEqual({
      type: 'failRequest',
      requestId: 'direct',
      error: { type: 'runner_disconnected' },
    });
  });

  it('above a runner that was ending counts as its end, not as a loss', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ minConcurrency: 1 }) });
    const [runnerId = ''] = sim.bringUp();
    sim.send({ type: 'runnerStopRequested', runnerId, replaceFirst: false });
    lose(sim, [runnerId]);
    expect(sim.notes.at(-1)).toMatchObject({ to: 'TERMINATED', text: 'The supervisor died.' });
    expect(sim.world.apps.get('app')?.trouble.losses).toBe(0);
  });

  it.each([
    [1, 0],
    [2, 1],
    [3, 2],
    [7, 32],
    [8, 60],
    [1000, 60],
  ])('number %i without an answer in between is followed by a pause of %i s', (losses, seconds) => {
    expect(lossDelaySeconds(losses)).toBe(seconds);
  });

  it('at every start causes growing pauses, with the reason', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['r', 's']);
    for (let second = 0; second < 40; second += 1) {
      lose(
        sim,
        sim.runners().flatMap(({ id, state }) => (state.kind === 'pending' ? [id] : [])),
      );
      sim.after(1);
    }
    expect([...new Set(startsOf(sim))]).toEqual([0, 2, 4, 8, 16, 32]);
    expect(sim.notes.findLast(({ to }) => to === 'FAILURE_DELAY')?.reason?.code).toBe('supervisor_losses');
  });

  it('after a response of the app resets the pauses', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ maxConcurrency: 1 }) });
    sim.submit(['r']);
    lose(sim);
    lose(sim);
    expect(sim.states()).toEqual(['failureDelay']);
    sim.after(1);
    sim.bringUp();
    sim.end('r');
    sim.submit(['s']);
    lose(sim);
    sim.after(1);
    expect(sim.states()).toEqual(['pending']);
  });

  it('above the first runner of a rolling deploy restarts the deploy', () => {
    const sim = createSim();
    sim.deploy();
    expect(types(sim.deploy({ revision: 'rev2', strategy: 'rolling' }))).toEqual(['startRunner']);
    expect(types(lose(sim))).toEqual(['startRunner']);
    const [runnerId = ''] = sim.bringUp();
    expect(sim.runners()).toMatchObject([{ id: runnerId, revision: 'rev2', state: { kind: 'idle' } }]);
    expect(sim.world.apps.get('app')?.live?.revision).toBe('rev2');
  });

  it('above the first runner of a detached deploy starts another runner', () => {
    const sim = createSim();
    sim.deploy();
    sim.deploy({ revision: 'rev2', strategy: 'detached' });
    expect(types(lose(sim))).toEqual(['startRunner']);
    sim.bringUp();
    expect(sim.notes.at(-1)?.text).toMatch(/is complete/);
  });
});

describe('a runner that dies soon after it was ready', () => {
  /** Makes every runner ready and lets it die `afterSeconds` later. */
  function dieWhenReady(sim: Sim, afterSeconds = 0.5): void {
    const ids = sim.bringUp();
    sim.after(afterSeconds);
    for (const runnerId of ids) sim.send({ type: 'runnerExited', runnerId, reason: 'exit code 1' });
  }

  it('without a request is followed by the growing pauses of failed starts', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ minConcurrency: 1 }) });
    for (let second = 0; second < 320; second += 1) {
      dieWhenReady(sim, 0);
      sim.after(1);
    }
    expect(startsOf(sim)).toEqual([0, 30, 90, 180, 300]);
  });

  it('after a response is restarted immediately', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ minConcurrency: 1 }) });
    dieWhenReady(sim);
    sim.after(30);
    const [runnerId = ''] = sim.bringUp();
    sim.submit(['r']);
    sim.end('r');
    sim.send({ type: 'runnerExited', runnerId, reason: 'exit code 1' });
    expect(sim.states()).toEqual(['pending']);
    expect(sim.world.apps.get('app')?.trouble).toMatchObject({ failures: 0, diedEarly: 0 });
  });

  it('later than the maximum duration of a start is restarted immediately', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ minConcurrency: 1 }) });
    dieWhenReady(sim, 600);
    expect(sim.states()).toEqual(['pending']);
  });

  it('during its first request is restarted immediately: the request has its own pauses', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['r']);
    dieWhenReady(sim);
    expect(sim.states()).toEqual(['pending']);
  });
});
