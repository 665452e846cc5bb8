import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { queuePosition, waitingIds } from './requests/select.ts';
import { nextWakeup } from './step.ts';
import { requestOf, scaleOf, settingsOf } from './testing/samples.ts';
import { createSim, type Sim, types } from './testing/sim.ts';
import type { RequestInfo, RevisionSettings } from './types.ts';

const none = { server_error: 0, timeout: 0, connection_error: 0 };
const disconnected = { type: 'failRequest', requestId: 'r', error: { type: 'runner_disconnected' } };

/** The result for a request whose first attempt was cut off by a shutdown of the emulator. */
function recover(fields: Partial<RequestInfo>, settings: Partial<RevisionSettings> = {}) {
  const sim = createSim();
  sim.deploy({ settings: settingsOf(settings) });
  const recovered = { retried: none, interrupted: true };
  return { sim, effects: sim.submit(['r'], { attempts: 1, recovered, ...fields }) };
}

describe('a request that was cut off by a shutdown of the emulator', () => {
  it('is retried immediately, which uses one of its retries', () => {
    const { sim, effects } = recover({});
    expect(types(effects)).toEqual(['requeueRequest', 'startRunner']);
    expect(effects[0]).toMatchObject({ availableAt: 0, because: 'the runner ended when the emulator stopped' });
    expect(sim.world.requests.get('r')?.retried).toEqual({ ...none, connection_error: 1 });
  });

  it.each<[string, Partial<RequestInfo>, Partial<RevisionSettings>]>([
    ['X-Fal-No-Retry', { noRetry: true }, {}],
    ['X-Fal-Retry-Config without retries', { retries: { connection_error: 0 } }, {}],
    ['retry_config without retries', {}, { retries: { connection_error: 0 } }],
    ['skip_retry_conditions', {}, { skipRetry: ['connection_error'] }],
    [
      'a budget that was used up before',
      { retries: { connection_error: 2 }, recovered: { retried: { ...none, connection_error: 2 }, interrupted: true } },
      {},
    ],
    ['ten attempts', { attempts: 10 }, {}],
  ])('does not run again with %s', (_, fields, settings) => {
    expect(recover(fields, settings).effects).toEqual([disconnected]);
  });

  it('fails with its own error when its start deadline passed in the meantime', () => {
    expect(recover({ startBy: -1 }).effects).toMatchObject([{ error: { type: 'request_timeout', user: true } }]);
  });
});

it('a request that only waited runs, even with X-Fal-No-Retry, and keeps the rest of its retry budgets', () => {
  const retried = { ...none, server_error: 2 };
  const { sim } = recover({ noRetry: true, attempts: 0, recovered: { retried, interrupted: false } });
  expect(sim.world.requests.get('r')?.retried).toEqual(retried);
  expect(sim.states()).toEqual(['pending']);
});

describe('the last attempt', () => {
  it.each<[string, Partial<RequestInfo>, true | undefined]>([
    ['of a usual request', {}, undefined],
    ['with X-Fal-No-Retry', { noRetry: true }, true],
    ['without retries after lost connections', { retries: { connection_error: 0 } }, true],
    ['of a request that was tried nine times', { attempts: 9 }, true],
    ['of a direct one, which no restart repeats', { kind: 'direct' }, undefined],
  ])('%s is marked, so that it is on disk before it begins: %s', (_, fields, last) => {
    const sim = createSim();
    sim.deploy();
    sim.submit(['r'], fields);
    sim.bringUp();
    const assigned = sim.log.find(({ effect }) => effect.type === 'assign')?.effect;
    expect(assigned?.type === 'assign' && assigned.last).toBe(last);
  });
});

describe('many requests that are recovered together', () => {
  const budgets = fc.record({ connection_error: fc.constantFrom(0, 1) }, { requiredKeys: [] });
  const request = fc.record({
    alias: fc.constantFrom('app', 'app', 'slow', 'gone'),
    priority: fc.constantFrom<RequestInfo['priority'][]>('normal', 'normal', 'low'),
    submittedAt: fc.integer({ min: -20, max: 0 }),
    startBy: fc.constantFrom(null, null, -5, 0, 9_000),
    hint: fc.constantFrom(null, 'warm'),
    noRetry: fc.boolean(),
    retries: budgets,
    attempts: fc.constantFrom(0, 1, 10),
    recovered: fc.record({ retried: fc.constant(none), interrupted: fc.boolean() }),
  });
  const limits = fc.record({ runners: fc.constantFrom(1, 2, 100), gpuSlots: fc.constantFrom(1, 100) });
  const scale = fc.record({
    maxConcurrency: fc.constantFrom(0, 1, 3, null),
    scalingDelaySeconds: fc.constantFrom(0, 0, 5),
  });

  /** The state of each request, its queue position, the runners, and the next wake-up. */
  function stateOf(sim: Sim) {
    const ids = [...sim.world.requests.keys()].toSorted();
    return {
      requests: ids.map((id) => [sim.world.requests.get(id), queuePosition(sim.world, id)]),
      lines: ['app', 'slow'].map((alias) => waitingIds(sim.world, alias)),
      runners: sim.runners().map(({ alias, state }) => [alias, state]),
      wakeup: nextWakeup(sim.world),
    };
  }

  it('have the same order, outcomes and runners as if they had arrived one by one', () => {
    fc.assert(
      fc.property(
        fc.array(request, { minLength: 1, maxLength: 30 }),
        fc.nat({ max: 30 }),
        limits,
        scale,
        fc.constantFrom(1, 4),
        (fields, cut, room, scaling, maxMultiplexing) => {
          const requests = fields.map((some, n) => requestOf(`r${n}`, some));
          const [alone, together] = [createSim(room), createSim(room)];
          for (const sim of [alone, together]) {
            sim.deploy({ scale: scaleOf(scaling), settings: settingsOf({ maxMultiplexing }) });
            sim.deploy({ alias: 'slow', settings: settingsOf({ gpuSlots: 1 }) });
          }
          for (const info of requests) alone.send({ type: 'requestArrived', request: info });
          for (const group of [requests.slice(0, cut), requests.slice(cut)])
            together.send({ type: 'requestsRecovered', requests: group });
          expect(stateOf(together)).toEqual(stateOf(alone));
          const effects = ({ log }: Sim) => log.map(({ effect }) => JSON.stringify(effect)).toSorted();
          expect(effects(together)).toEqual(effects(alone));
          for (const sim of [alone, together]) {
            sim.after(10);
            sim.bringUp();
          }
          expect(stateOf(together)).toEqual(stateOf(alone));
        },
      ),
      { numRuns: process.env.MINIFAL_SLOW === '1' ? 5_000 : 200 },
    );
  });
});
