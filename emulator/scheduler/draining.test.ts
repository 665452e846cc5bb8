import { describe, expect, it } from 'vitest';
import type { AttemptOutcome } from './events.ts';
import { scaleOf, settingsOf } from './testing/samples.ts';
import { createSim, types } from './testing/sim.ts';

/** One runner, with max_concurrency 1 and three requests on it. The grace period is shorter than request_timeout. */
function shared(requestTimeoutSeconds = 3600) {
  const sim = createSim();
  sim.deploy({
    scale: scaleOf({ maxConcurrency: 1, requestTimeoutSeconds }),
    settings: settingsOf({ maxMultiplexing: 3, terminationGraceSeconds: 5 }),
  });
  sim.submit(['ends']);
  const [runnerId = ''] = sim.bringUp();
  sim.after(4);
  sim.submit(['queued']);
  sim.submit(['direct'], { kind: 'direct' });
  return { sim, runnerId };
}

const outcomes: [string, AttemptOutcome][] = [
  ['503', { kind: 'response', status: 503 }],
  ['x-fal-stop-runner', { kind: 'response', status: 200, stopRunner: true }],
];

describe.each(outcomes)('after %s', (_, outcome) => {
  it('the other requests of the runner may finish, and the runner gets no new ones', () => {
    const { sim, runnerId } = shared();
    const effects = sim.end('ends', outcome);
    expect(effects).toContainEqual({ type: 'terminateRunner', runnerId });
    expect(types(effects)).not.toContain('abortAttempt');
    sim.submit(['next']);
    expect(sim.runnerOf('next')).toBeUndefined();
    sim.after(4.9);
    expect(sim.end('queued')).toEqual([{ type: 'acceptAttempt', requestId: 'queued', attemptId: 'queued' }]);
    expect(sim.end('direct')).toEqual([{ type: 'acceptAttempt', requestId: 'direct', attemptId: 'direct' }]);
  });

  it('requests cut off by the grace period are retried, or fail if they are direct', () => {
    const { sim, runnerId } = shared();
    sim.end('ends', outcome);
    const cut = sim.after(5).filter((effect) => !('runnerId' in effect) || effect.runnerId === runnerId);
    expect(cut).toMatchObject([
      { type: 'abortAttempt', requestId: 'queued' },
      { type: 'requeueRequest', requestId: 'queued' },
      { type: 'abortAttempt', requestId: 'direct' },
      { type: 'failRequest', requestId: 'direct', error: { type: 'runner_disconnected' } },
      { type: 'killRunner', runnerId },
    ]);
  });
});

it('after request_timeout of one request the others of the runner may finish', () => {
  const { sim, runnerId } = shared(10);
  const effects = sim.after(6);
  expect(effects).toMatchObject([
    { type: 'abortAttempt', requestId: 'ends' },
    { type: 'requeueRequest', requestId: 'ends' },
    { type: 'terminateRunner', runnerId },
    { type: 'startRunner' },
  ]);
  expect(types(sim.end('queued'))).toEqual(['acceptAttempt']);
  expect(types(sim.end('direct'))).toEqual(['acceptAttempt']);
});

it('a broken connection means that the runner is gone: the other requests are lost at once', () => {
  const { sim } = shared();
  expect(types(sim.end('ends', { kind: 'disconnected' })).filter((type) => type === 'abortAttempt')).toHaveLength(2);
});
