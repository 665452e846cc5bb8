import { describe, expect, it } from 'vitest';
import { scaleOf, settingsOf } from './testing/samples.ts';
import { inWords, sentence } from './testing/sentence.ts';
import { createSim } from './testing/sim.ts';
import { why } from './why.ts';

describe('why', () => {
  it('is null for a request that runs, finished or is unknown', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['r']);
    sim.bringUp();
    expect(sentence(sim.world, 'r', sim.now)).toBeNull();
    sim.end('r');
    expect(sentence(sim.world, 'r', sim.now)).toBeNull();
    expect(sentence(sim.world, 'unknown', sim.now)).toBeNull();
  });

  it('names the starting runner that is furthest along, and for how long it has been starting', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['a', 'b']);
    const [, second] = sim.runners().map((r) => r.id);
    expect(sentence(sim.world, 'a', 0)).toBe('Runner 1 has been in PENDING for 0 s.');
    sim.after(1);
    sim.send({ type: 'runnerStarted', runnerId: second ?? '' });
    expect(sentence(sim.world, 'a', 43_500)).toBe('Runner 2 has been in SETUP for 42 s.');
    expect(sentence(sim.world, 'b', 43_500)).toBe('Runner 2 has been in SETUP for 42 s; 1 request is ahead.');
    expect(why(sim.world, 'a', 43_500)?.runnerId).toBe(second);
  });

  it('reports the back-off after failed starts, and why the last one failed', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['a']);
    const fail = (reason: string) => sim.send({ type: 'runnerExited', runnerId: sim.runners()[0]?.id ?? '', reason });
    fail('It exited with code 1.');
    expect(sentence(sim.world, 'a', 500)).toBe('Retrying in 30 s after a failed start: It exited with code 1.');
    sim.after(30);
    fail('ValueError: no\n  weights');
    expect(sentence(sim.world, 'a', 78_000)).toBe('Retrying in 12 s after 2 failed starts: ValueError: no weights.');
  });

  it('keeps the last failure during the next start, until a runner is ready or another revision is active', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['a']);
    const [{ id } = { id: '' }] = sim.runners();
    sim.send({ type: 'runnerExited', runnerId: id, reason: `${'x'.repeat(300)}.` });
    sim.after(30);
    const next = 'Runner 2 has been in PENDING for 0 s';
    expect(sentence(sim.world, 'a', sim.now)).toBe(`${next}; the last start failed: ${'x'.repeat(239)}….`);
    sim.bringUp();
    expect(sim.world.apps.get('app')).toMatchObject({ trouble: { failures: 0, lastFailure: null } });
  });

  it('does not blame a new revision for failures of the previous one', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['a']);
    sim.send({ type: 'runnerExited', runnerId: sim.runners()[0]?.id ?? '', reason: 'It exited with code 1.' });
    sim.deploy({ revision: 'rev2' });
    expect(sim.world.apps.get('app')).toMatchObject({ trouble: { failures: 0, lastFailure: null } });
    expect(sentence(sim.world, 'a', sim.now)).not.toMatch(/code 1/);
  });

  it('reports that all slots are busy, and how many are ahead', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ maxConcurrency: 1 }), settings: settingsOf({ maxMultiplexing: 2 }) });
    sim.submit(['a', 'b', 'c', 'd', 'e']);
    sim.bringUp();
    const busy = 'All slots of 1 runner are busy (max_concurrency 1, max_multiplexing 2)';
    expect(sentence(sim.world, 'c', 0)).toBe(`${busy}.`);
    expect(sentence(sim.world, 'e', 0)).toBe(`${busy}; 2 requests are ahead.`);
  });

  it('reports scaling_delay, without and with runners', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ scalingDelaySeconds: 30 }) });
    sim.submit(['a']);
    expect(sentence(sim.world, 'a', 18_000)).toBe('No runner yet; scaling_delay lets one start in 12 s.');
    sim.after(30);
    sim.bringUp();
    sim.submit(['b']);
    expect(sentence(sim.world, 'b', sim.now)).toBe(
      'All slots of 1 runner are busy (no max_concurrency, max_multiplexing 1); scaling_delay lets one start in 30 s.',
    );
  });

  it('does not announce a runner that max_concurrency forbids', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ scalingDelaySeconds: 30, maxConcurrency: 1 }) });
    sim.submit(['a']);
    sim.after(30);
    sim.bringUp();
    sim.submit(['b']);
    expect(sentence(sim.world, 'b', sim.now)).toBe(
      'All slots of 1 runner are busy (max_concurrency 1, max_multiplexing 1).',
    );
  });

  it('reports that max_concurrency 0 allows none', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ maxConcurrency: 0 }) });
    sim.submit(['a']);
    expect(sentence(sim.world, 'a', 0)).toBe('No runner may be started: max_concurrency is 0.');
  });

  it('reports the wait for a retry, with its cause', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['a']);
    sim.bringUp();
    sim.end('a', 504);
    expect(sentence(sim.world, 'a', 0)).toBe('Attempt 2 begins in 1 s: the app answered 504.');
  });

  it('is noted when a request has to wait', () => {
    const sim = createSim();
    sim.deploy({ scale: scaleOf({ maxConcurrency: 0 }) });
    sim.submit(['a']);
    const reason = why(sim.world, 'a', 0) ?? expect.fail('it does not wait');
    expect(sim.notes.at(-1)).toEqual({
      at: 0,
      alias: 'app',
      requestId: 'a',
      topic: 'request.waiting',
      text: '',
      reason,
    });
    expect(inWords(sim.world, reason, 0)).toBe('No runner may be started: max_concurrency is 0.');
  });
});
