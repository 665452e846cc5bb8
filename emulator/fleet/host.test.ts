import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Effect, Note } from '../scheduler/effects.ts';
import type { Event } from '../scheduler/events.ts';
import { deployOf, requestOf, scaleOf, settingsOf } from '../scheduler/testing/samples.ts';
import { createHost } from './host.ts';

const start = 1_700_000_000_000;

beforeEach(() => {
  vi.useFakeTimers({ now: start });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A host whose runners are ready immediately, with its actions and their real times after the start, in ms. */
function hostAt(factor: number) {
  const did: [atMs: number, effect: Effect['type']][] = [];
  const notes: Note[] = [];
  const wall = { ahead: 0 };
  const host = createHost({
    seed: 'test',
    steady: { now: Date.now, ahead: () => wall.ahead },
    time: { factor, start },
    perform(effect) {
      did.push([Date.now() - start, effect.type]);
      if (effect.type === 'startRunner') up(effect.runnerId);
    },
    settled: () => {},
    changed: () => {},
    failed(_cause, error) {
      throw error;
    },
    record: (recorded) => void notes.push(...recorded),
  });
  let setup: 'returns' | 'fails' | 'hangs' = 'returns';
  function up(runnerId: string): void {
    host.dispatch({ type: 'runnerStarted', runnerId });
    if (setup === 'returns') host.dispatch({ type: 'runnerReady', runnerId });
    if (setup === 'fails') host.dispatch({ type: 'runnerExited', runnerId, reason: 'exit code 1' });
  }
  return {
    host,
    did,
    notes,
    wall,
    letSetup(how: typeof setup) {
      setup = how;
    },
    send: (event: Event) => host.dispatch(event),
    arrive: (id: string, fields = {}) =>
      host.dispatch({ type: 'requestArrived', request: requestOf(id, { submittedAt: Date.now(), ...fields }) }),
    end: (requestId: string) =>
      host.dispatch({
        type: 'attemptEnded',
        requestId,
        attemptId: requestId,
        outcome: { kind: 'response', status: 200 },
      }),
  };
}

describe.each([1, 60, 1000])('the host at %d times the speed', (factor) => {
  it('shortens keep_alive and back-off by that factor, and records real times', () => {
    const { host, did, notes, send, arrive, end, letSetup } = hostAt(factor);
    send(deployOf({ scale: scaleOf({ keepAliveSeconds: 300 }) }));
    arrive('a');
    end('a');
    vi.advanceTimersByTime(300_000 / factor);
    expect(did.at(-1)).toEqual([300_000 / factor, 'terminateRunner']);
    expect(notes.at(-1)).toMatchObject({ at: start + 300_000 / factor, to: 'TERMINATING' });

    letSetup('fails');
    const before = Date.now() - start;
    arrive('b');
    vi.advanceTimersByTime((30_000 + 60_000 + 90_000) / factor);
    const starts = did.filter(([at, type]) => type === 'startRunner' && at >= before).map(([at]) => at - before);
    // t = 0, 30, 90, 180 (docs/platform/runners.md#start-failures).
    expect(starts).toEqual([0, 30_000, 90_000, 180_000].map((at) => at / factor));
    host.close();
  });

  it('does not change startup_timeout, request_timeout, the grace period and a start deadline', () => {
    const { host, did, send, arrive } = hostAt(factor);
    const settings = settingsOf({ terminationGraceSeconds: 7 });
    const scale = scaleOf({ maxConcurrency: 1, requestTimeoutSeconds: 20 });
    send(deployOf({ scale, settings }));
    arrive('slow', { kind: 'direct' });
    arrive('late', { startBy: Date.now() + 4000 });
    vi.advanceTimersByTime(3999);
    expect(did.map(([, type]) => type)).not.toContain('failRequest');
    vi.advanceTimersByTime(1);
    expect(did.at(-1)).toEqual([4000, 'failRequest']);
    vi.advanceTimersByTime(15_999);
    expect(did.at(-1)).toEqual([4000, 'failRequest']);
    vi.advanceTimersByTime(1);
    expect(did.at(-1)).toEqual([20_000, 'terminateRunner']);
    vi.advanceTimersByTime(7000);
    expect(did.at(-1)).toEqual([27_000, 'killRunner']);
    host.close();
  });

  it('gives setup() its startup_timeout', () => {
    const { host, did, send, arrive, letSetup } = hostAt(factor);
    letSetup('hangs');
    send(deployOf({ settings: settingsOf({ startupTimeoutSeconds: 20 }) }));
    arrive('a');
    vi.advanceTimersByTime(19_999);
    expect(did.at(-1)).toEqual([0, 'startRunner']);
    vi.advanceTimersByTime(1);
    expect(did.at(-1)).toEqual([20_000, 'killRunner']);
    host.close();
  });
});

const twoHours = 2 * 60 * 60 * 1000;

describe.each([
  ['a machine that slept for two hours, or a clock set ahead by as much', twoHours],
  ['a clock set back by two hours', -twoHours],
])('%s', (_name, jump) => {
  it('ends each request, runner and wait neither too early nor too late', () => {
    const { did, notes, wall, send, arrive, end, host } = hostAt(1);
    const scale = scaleOf({ maxConcurrency: 1, requestTimeoutSeconds: 20, keepAliveSeconds: 60 });
    send(deployOf({ scale }));
    arrive('slow', { kind: 'direct' });
    arrive('waits', { startBy: Date.now() + 4_000 });
    vi.advanceTimersByTime(300);
    wall.ahead = jump;
    arrive('later', { submittedAt: Date.now() + jump, startBy: Date.now() + jump + 8_000 });
    const failures = () => did.filter(([, type]) => type === 'failRequest').map(([at]) => at);
    vi.advanceTimersByTime(3_699);
    expect(failures()).toEqual([]);
    vi.advanceTimersByTime(10_000);
    expect(failures()).toEqual([4_000, 8_300]);
    end('slow');
    const idleAt = Date.now() - start;
    expect(notes.at(-1)).toMatchObject({ to: 'IDLE', at: start + idleAt + jump });
    wall.ahead = 0;
    vi.advanceTimersByTime(59_999);
    expect(did.at(-1)?.[1]).not.toBe('terminateRunner');
    vi.advanceTimersByTime(1);
    expect(did.at(-1)).toEqual([idleAt + 60_000, 'terminateRunner']);
    host.close();
  });
});

it('counts the time during which no emulator ran against a start deadline', () => {
  const { did, send, arrive, host } = hostAt(1);
  send(deployOf({ scale: scaleOf({ maxConcurrency: 1 }) }));
  arrive('busy', { kind: 'direct' });
  arrive('old', { submittedAt: start - twoHours, startBy: start - 1 });
  expect(did.at(-1)).toEqual([0, 'failRequest']);
  host.close();
});
