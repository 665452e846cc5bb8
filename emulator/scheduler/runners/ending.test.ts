import { describe, expect, it } from 'vitest';
import { scaleOf, settingsOf } from '../testing/samples.ts';
import { createSim, types } from '../testing/sim.ts';

/** One runner, with max_concurrency 1, and a queued and a direct request on it. */
function busy(terminationGraceSeconds = 5) {
  const sim = createSim();
  sim.deploy({
    scale: scaleOf({ maxConcurrency: 1 }),
    settings: settingsOf({ maxMultiplexing: 2, terminationGraceSeconds }),
  });
  sim.submit(['queued']);
  const [runnerId = ''] = sim.bringUp();
  sim.submit(['direct'], { kind: 'direct' });
  return { sim, runnerId };
}

function idle() {
  const { sim, runnerId } = busy();
  sim.end('queued');
  sim.end('direct');
  return { sim, runnerId };
}

describe('stopping a runner', () => {
  it('lets a busy one finish: DRAINING, and SIGTERM after the last request', () => {
    const { sim, runnerId } = busy();
    expect(sim.send({ type: 'runnerStopRequested', runnerId, replaceFirst: false })).toEqual([]);
    expect(sim.states()).toEqual(['draining']);
    expect(types(sim.end('queued'))).toEqual(['acceptAttempt']);
    expect(types(sim.end('direct'))).toEqual(['acceptAttempt', 'terminateRunner']);
    expect(sim.runners()[0]?.state).toMatchObject({ kind: 'terminating', why: 'stopped' });
  });

  it('sends an idle one SIGTERM immediately, without DRAINING', () => {
    const { sim, runnerId } = idle();
    const stop = { type: 'runnerStopRequested', runnerId, replaceFirst: false } as const;
    expect(sim.send(stop)).toEqual([{ type: 'terminateRunner', runnerId }]);
    expect(sim.send(stop), 'a second stop changes nothing').toEqual([]);
  });

  it('gives a draining runner no new work', () => {
    const { sim, runnerId } = busy();
    sim.send({ type: 'runnerStopRequested', runnerId, replaceFirst: false });
    sim.end('queued');
    expect(types(sim.submit(['next']))).toEqual(['startRunner']);
    expect(sim.states()).toEqual(['draining', 'pending']);
  });

  it('makes room under max_concurrency immediately', () => {
    const { sim, runnerId } = busy();
    sim.submit(['next']);
    const effects = sim.send({ type: 'runnerStopRequested', runnerId, replaceFirst: false });
    expect(types(effects)).toEqual(['startRunner']);
  });
});

describe('a terminating runner', () => {
  it('is killed and removed when the grace period is over', () => {
    const { sim, runnerId } = idle();
    sim.send({ type: 'runnerStopRequested', runnerId, replaceFirst: false });
    expect(sim.after(4.999)).toEqual([]);
    expect(sim.after(0.001)).toEqual([{ type: 'killRunner', runnerId }]);
    expect(sim.runners()).toEqual([]);
    expect(sim.send({ type: 'runnerExited', runnerId, reason: 'signal SIGKILL' })).toEqual([]);
  });

  it('is removed when its process exits, which is no failure', () => {
    const { sim, runnerId } = idle();
    sim.send({ type: 'runnerStopRequested', runnerId, replaceFirst: false });
    sim.send({ type: 'runnerExited', runnerId, reason: 'exit code 0' });
    expect(sim.runners()).toEqual([]);
    expect(sim.world.apps.get('app')?.trouble.failures).toBe(0);
    expect(sim.notes.at(-1)).toMatchObject({ from: 'TERMINATING', to: 'TERMINATED', text: 'exit code 0' });
  });

  it('is killed in the same step when the grace period is 0', () => {
    const { sim, runnerId } = busy(0);
    sim.send({ type: 'runnerStopRequested', runnerId, replaceFirst: false });
    sim.end('queued');
    expect(types(sim.end('direct'))).toEqual(['acceptAttempt', 'terminateRunner', 'killRunner']);
  });
});

describe('killing a runner', () => {
  it('loses its requests in flight: queued ones are retried elsewhere, direct ones fail', () => {
    const { sim, runnerId } = busy();
    const effects = sim.send({ type: 'runnerKillRequested', runnerId });
    expect(effects).toMatchObject([
      { type: 'abortAttempt', requestId: 'queued', attemptId: 'queued', runnerId },
      { type: 'requeueRequest', requestId: 'queued', availableAt: 1000, because: 'the runner was killed' },
      { type: 'abortAttempt', requestId: 'direct', attemptId: 'direct', runnerId },
      { type: 'failRequest', requestId: 'direct', error: { type: 'runner_disconnected' } },
      { type: 'killRunner', runnerId },
      { type: 'startRunner' },
    ]);
    expect(sim.states(), 'it is not listed any more, and its substitute only starts').toEqual(['pending']);
  });

  it('ends a draining and a terminating runner too', () => {
    const { sim, runnerId } = busy();
    sim.send({ type: 'runnerStopRequested', runnerId, replaceFirst: false });
    expect(types(sim.send({ type: 'runnerKillRequested', runnerId }))).toContain('killRunner');
    const second = idle();
    second.sim.send({ type: 'runnerStopRequested', runnerId: second.runnerId, replaceFirst: false });
    expect(types(second.sim.send({ type: 'runnerKillRequested', runnerId: second.runnerId }))).toEqual(['killRunner']);
    expect(second.sim.runners()).toEqual([]);
  });
});

describe('a process that exits on its own', () => {
  it('while serving loses its requests, is no start failure, and is replaced immediately', () => {
    const { sim, runnerId } = busy();
    const effects = sim.send({ type: 'runnerExited', runnerId, reason: 'exit code 137' });
    expect(effects).toMatchObject([
      { type: 'abortAttempt', requestId: 'queued' },
      { type: 'requeueRequest', requestId: 'queued', because: 'the runner exited by itself' },
      { type: 'abortAttempt', requestId: 'direct' },
      { type: 'failRequest', requestId: 'direct', error: { type: 'runner_disconnected' } },
      { type: 'startRunner' },
    ]);
    expect(sim.states()).toEqual(['pending']);
  });

  it('while idle is removed without further effects', () => {
    const { sim, runnerId } = idle();
    expect(sim.send({ type: 'runnerExited', runnerId, reason: 'exit code 0' })).toEqual([]);
    expect(sim.runners()).toEqual([]);
  });

  it('while draining loses the remaining requests', () => {
    const { sim, runnerId } = busy();
    sim.send({ type: 'runnerStopRequested', runnerId, replaceFirst: false });
    const effects = sim.send({ type: 'runnerExited', runnerId, reason: 'exit code 1' });
    expect(types(effects).slice(0, 4)).toEqual(['abortAttempt', 'requeueRequest', 'abortAttempt', 'failRequest']);
    expect(effects[1]).toMatchObject({ because: 'the runner was stopped' });
  });
});
