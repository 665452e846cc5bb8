import { describe, expect, it } from 'vitest';
import type { AttemptOutcome } from '../events.ts';
import { scaleOf, settingsOf } from '../testing/samples.ts';
import { createSim, type Sim, types } from '../testing/sim.ts';
import { fateOf } from './attempts.ts';

function response(status: number, stopRunner?: boolean): AttemptOutcome {
  return { kind: 'response', status, ...(stopRunner === undefined ? {} : { stopRunner }) };
}

describe('what an outcome means for the runner', () => {
  it.each<[string, AttemptOutcome, string]>([
    ['200', response(200), 'keep'],
    ['404', response(404), 'keep'],
    ['429', response(429), 'keep'],
    ['499', response(499), 'keep'],
    ['500', response(500), 'check'],
    ['501', response(501), 'keep'],
    ['502', response(502), 'check'],
    ['503', response(503), 'endSoon server_error'],
    ['504', response(504), 'check'],
    ['503 with x-fal-stop-runner: 0', response(503, false), 'keep'],
    ['504 with x-fal-stop-runner: 0', response(504, false), 'keep'],
    ['200 with x-fal-stop-runner: 1', response(200, true), 'endSoon server_error'],
    ['500 with x-fal-stop-runner: 1', response(500, true), 'endSoon server_error'],
    ['a refused connection', { kind: 'connection_refused' }, 'end disconnected'],
    ['a broken connection', { kind: 'disconnected' }, 'end disconnected'],
    ['a kept connection that broke', { kind: 'disconnected', isStale: true }, 'check'],
    ['a short response', { kind: 'incomplete' }, 'check'],
    ['a caller who left', { kind: 'caller_gone' }, 'keep'],
  ])('%s', (_, outcome, expected) => {
    const fate = fateOf(outcome);
    expect('why' in fate ? `${fate.kind} ${fate.why}` : fate.kind).toBe(expected);
  });
});

/** One runner with the request `r` on it. */
function running(fields: Parameters<ReturnType<typeof createSim>['submit']>[1] = {}, maxMultiplexing = 1) {
  const sim = createSim();
  sim.deploy({ scale: scaleOf({ maxConcurrency: 1 }), settings: settingsOf({ maxMultiplexing }) });
  sim.submit(['r'], fields);
  const [runnerId = ''] = sim.bringUp();
  return { sim, runnerId };
}

describe('a request that arrives', () => {
  it('fails when its alias is unknown', () => {
    const sim = createSim();
    expect(sim.submit(['r'])).toEqual([
      {
        type: 'failRequest',
        requestId: 'r',
        error: { type: 'runner_scheduling_failure', detail: 'Application app is not deployed.' },
      },
    ]);
    expect(sim.world.requests.size).toBe(0);
  });

  it('fails when its run has ended', () => {
    const [effect] = createSim().submit(['r'], { alias: '3f6e5f0a-1c1e-4c53-9d55-0a8b0d6c7e11' });
    expect(effect).toMatchObject({ error: { detail: 'The run of this application has ended.' } });
  });

  it('fails while its alias is being deployed for the first time', () => {
    const sim = createSim();
    sim.deploy({ strategy: 'rolling' });
    expect(types(sim.submit(['r']))).toEqual(['failRequest']);
  });

  it('is ignored when its ID exists already', () => {
    const { sim } = running();
    expect(sim.submit(['r'])).toEqual([]);
    expect(sim.world.requests.size).toBe(1);
    expect(sim.notes.at(-1)).toMatchObject({ topic: 'request.ignored', requestId: 'r' });
  });

  it('fails when a crash took its tenth attempt', () => {
    const sim = createSim();
    sim.deploy();
    expect(sim.submit(['r'], { attempts: 10 })).toMatchObject([{ error: { type: 'runner_disconnected' } }]);
    expect(types(sim.submit(['s'], { attempts: 9 }))).toEqual(['startRunner']);
  });

  it('fails when its start deadline has passed already', () => {
    const { sim } = running();
    expect(sim.submit(['late'], { startBy: 0 })).toEqual([
      { type: 'failRequest', requestId: 'late', error: { type: 'request_timeout', user: true } },
    ]);
  });
});

describe('an attempt that ends', () => {
  it('is accepted, and the finished request leaves the world', () => {
    const { sim } = running();
    expect(sim.end('r')).toEqual([{ type: 'acceptAttempt', requestId: 'r', attemptId: 'r' }]);
    expect(sim.world.requests.size).toBe(0);
    expect(sim.states()).toEqual(['idle']);
  });

  it('is ignored when its verdict has been given', () => {
    const { sim } = running();
    const late = { type: 'attemptEnded', requestId: 'r', attemptId: 'r', outcome: response(200) } as const;
    sim.send(late);
    expect(sim.send(late)).toEqual([]);
  });

  it('is ignored when it is of an earlier attempt', () => {
    const { sim } = running();
    sim.end('r', 504);
    sim.after(1);
    expect(sim.send({ type: 'attemptEnded', requestId: 'r', attemptId: 'r', outcome: response(200) })).toEqual([]);
    expect(sim.runnerOf('r')).toBeDefined();
  });

  it('with 503 is retried on a new runner: the verdict comes before the end of the runner', () => {
    const { sim, runnerId } = running();
    const effects = sim.end('r', 503);
    expect(types(effects)).toEqual(['requeueRequest', 'terminateRunner', 'startRunner']);
    expect(effects[0]).toMatchObject({ availableAt: 1000, because: 'the app answered 503' });
    expect(sim.runners()[0]).toMatchObject({ id: runnerId, state: { kind: 'terminating', why: 'server_error' } });
  });

  it('with 503 of a direct request reaches its caller although the runner ends', () => {
    const { sim } = running({ kind: 'direct' });
    expect(types(sim.end('r', 503))).toEqual(['acceptAttempt', 'terminateRunner']);
  });

  it('with 500 is the result, and the port is checked', () => {
    const { sim, runnerId } = running();
    expect(sim.end('r', 500)).toEqual([
      { type: 'acceptAttempt', requestId: 'r', attemptId: 'r' },
      { type: 'checkTcp', runnerId },
    ]);
  });

  it('with 500 on a draining runner needs no check: it ends anyway', () => {
    const { sim, runnerId } = running();
    sim.send({ type: 'runnerStopRequested', runnerId, replaceFirst: false });
    expect(types(sim.end('r', 500))).toEqual(['acceptAttempt', 'terminateRunner']);
  });

  it('with a broken connection also ends the other attempts of the runner', () => {
    const { sim, runnerId } = running({}, 2);
    sim.submit(['other']);
    sim.submit(['direct'], { kind: 'direct' });
    const effects = sim.end('r', { kind: 'disconnected' });
    expect(effects).toMatchObject([
      { type: 'requeueRequest', requestId: 'r', because: 'the connection to the runner broke' },
      { type: 'abortAttempt', requestId: 'other', attemptId: 'other', runnerId },
      { type: 'requeueRequest', requestId: 'other', because: 'the runner lost its connection' },
      { type: 'terminateRunner', runnerId },
      { type: 'startRunner' },
    ]);
    expect(sim.runners()[0]?.state).toMatchObject({ kind: 'terminating', attempts: [], why: 'disconnected' });
  });

  it('keeps a budget per condition over the attempts', () => {
    const { sim } = running({ retries: { server_error: 1 } });
    sim.end('r', 503);
    sim.after(1);
    sim.bringUp();
    sim.end('r', { kind: 'disconnected' });
    sim.after(2);
    sim.bringUp();
    expect(types(sim.end('r', 503))).toEqual(['acceptAttempt', 'terminateRunner']);
  });

  it('is tried ten times at most', () => {
    const { sim } = running();
    let attempts = 1;
    while (sim.world.requests.has('r')) {
      sim.end('r', 503);
      sim.after(30);
      sim.bringUp();
      if (sim.runnerOf('r') !== undefined) attempts += 1;
    }
    expect(attempts).toBe(10);
  });

  it('counts an attempt that the app asked to retry, but not against a budget', () => {
    const { sim } = running({ retries: { server_error: 0 } });
    const effects = sim.end('r', { kind: 'response', status: 500, needsRetry: true });
    expect(types(effects)).toEqual(['requeueRequest', 'checkTcp']);
    expect(sim.world.requests.get('r')).toMatchObject({ attempts: 1, retried: { server_error: 0 } });
  });
});

describe('request_timeout', () => {
  it('aborts the attempt, ends the stuck runner with grace and SIGKILL, and retries', () => {
    const { sim, runnerId } = running();
    expect(sim.after(3599.999)).toEqual([]);
    expect(sim.after(0.001)).toMatchObject([
      { type: 'abortAttempt', requestId: 'r', attemptId: 'r', runnerId },
      { type: 'requeueRequest', requestId: 'r', because: 'the attempt took longer than request_timeout' },
      { type: 'terminateRunner', runnerId },
      { type: 'startRunner' },
    ]);
    expect(types(sim.after(5))).toEqual(['killRunner']);
  });

  it('fails a direct request', () => {
    const { sim } = running({ kind: 'direct' });
    expect(sim.after(3600)).toMatchObject([
      { type: 'abortAttempt' },
      { type: 'failRequest', error: { type: 'request_timeout', user: false } },
      { type: 'terminateRunner' },
    ]);
  });

  it('begins again with each attempt', () => {
    const { sim } = running();
    sim.after(3000);
    sim.end('r', 504);
    sim.after(1);
    expect(sim.after(3599)).toEqual([]);
    expect(types(sim.after(1))).toContain('abortAttempt');
  });

  it('takes effect immediately when it is lowered', () => {
    const { sim } = running();
    sim.after(100);
    const scale = scaleOf({ maxConcurrency: 1, requestTimeoutSeconds: 60 });
    const effects = sim.send({ type: 'aliasScaled', alias: 'app', scale, settings: settingsOf() });
    expect(types(effects)).toContain('abortAttempt');
  });

  it('bounds a draining runner', () => {
    const { sim, runnerId } = running({ kind: 'direct' });
    sim.send({ type: 'runnerStopRequested', runnerId, replaceFirst: false });
    expect(types(sim.after(3600))).toEqual(['abortAttempt', 'failRequest', 'terminateRunner']);
  });
});

describe('a start deadline', () => {
  it('ends a waiting request and leaves the starting runner alone', () => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['r'], { startBy: 5000 });
    expect(sim.after(4.999)).toEqual([]);
    expect(sim.after(0.001)).toEqual([
      { type: 'failRequest', requestId: 'r', error: { type: 'request_timeout', user: true } },
    ]);
    expect(sim.states()).toEqual(['pending']);
  });

  it('is met once the attempt has begun', () => {
    const { sim } = running({ startBy: 5000 });
    expect(sim.after(100)).toEqual([]);
  });

  it('continues between attempts: with 30 s and 20 s lost, the next must start within 10 s', () => {
    const { sim } = running({ startBy: 30_000 });
    sim.after(20);
    sim.end('r', 503);
    expect(types(sim.after(9.999))).toEqual(['killRunner']);
    expect(types(sim.after(0.001))).toEqual(['failRequest']);
  });

  it('ends an attempt that would be retried after it', () => {
    const { sim } = running({ startBy: 5000 });
    sim.after(6);
    expect(sim.end('r', 503)).toMatchObject([
      { type: 'failRequest', error: { type: 'request_timeout', user: true } },
      { type: 'terminateRunner' },
    ]);
  });
});

describe('withdrawing', () => {
  it('ends a waiting request: a queued one as cancelled, a direct one as disconnected', () => {
    const { sim } = running();
    sim.submit(['queued']);
    sim.submit(['direct'], { kind: 'direct' });
    expect(sim.send({ type: 'requestWithdrawn', requestId: 'queued' })).toMatchObject([
      { type: 'failRequest', error: { type: 'client_cancelled' } },
    ]);
    expect(sim.send({ type: 'requestWithdrawn', requestId: 'direct' })).toMatchObject([
      { type: 'failRequest', error: { type: 'client_disconnected' } },
    ]);
  });

  it('ends a request that waits for its retry', () => {
    const { sim } = running();
    sim.end('r', 504);
    expect(types(sim.send({ type: 'requestWithdrawn', requestId: 'r' }))).toEqual(['failRequest']);
    expect(sim.after(59)).toEqual([]);
  });

  it.each([
    ['answered 503', (sim: Sim) => sim.end('r', 503)],
    ['broke off', (sim: Sim) => sim.end('r', { kind: 'disconnected' })],
    ['lost its runner', (sim: Sim) => sim.send({ type: 'runnerKillRequested', runnerId: sim.runnerOf('r') ?? '' })],
  ])('a running one is not tried again when its attempt %s', (_what, end) => {
    const { sim } = running();
    sim.send({ type: 'requestWithdrawn', requestId: 'r' });
    expect(end(sim)).toContainEqual({ type: 'failRequest', requestId: 'r', error: { type: 'client_cancelled' } });
    expect(types(sim.after(3600))).not.toContain('assign');
  });

  it('a running one that still completes keeps its result', () => {
    const { sim } = running();
    sim.send({ type: 'requestWithdrawn', requestId: 'r' });
    expect(types(sim.end('r', 200))).toEqual(['acceptAttempt']);
  });

  it('leaves a running request alone, and an unknown one too', () => {
    const { sim } = running();
    expect(sim.send({ type: 'requestWithdrawn', requestId: 'r' })).toEqual([]);
    expect(sim.send({ type: 'requestWithdrawn', requestId: 'unknown' })).toEqual([]);
  });

  it('frees the slot of a direct caller who left while running', () => {
    const { sim } = running({ kind: 'direct' });
    expect(sim.end('r', { kind: 'caller_gone' })).toEqual([
      { type: 'failRequest', requestId: 'r', error: { type: 'client_disconnected' } },
    ]);
    expect(sim.states()).toEqual(['idle']);
  });
});
