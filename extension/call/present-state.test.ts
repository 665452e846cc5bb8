import { expect, it } from 'vitest';
import { liveWith, requestRow, runnerRow } from '../target/testing/live.ts';
import { presentState } from './present-state.ts';

const runner = { id: 'r', number: 1 };
const running = { phase: 'IN_PROGRESS', runner } as const;
const reason = {
  code: 'start_failures',
  numbers: { failures: 2 },
  since: 0,
  until: 31_000,
  evidence: 'ValueError: no weights',
  runnerId: null,
  action: null,
  also: null,
} as const;
const call = {
  isRunning: true,
  requestId: 'q',
  mode: 'queue',
  method: 'POST',
  sentTo: { alias: 'hello', path: '/' },
} as const;
const direct = { ...call, mode: 'direct', requestId: null } as const;

function live(debug: 'paused' | null) {
  return liveWith({
    runners: [runnerRow({ id: 'r', debug })],
    requests: [
      requestRow({ number: 1, id: 'q', kind: 'queue', method: 'POST', path: '/', ...running }),
      requestRow({ number: 2, id: 'd', kind: 'direct', method: 'POST', path: '/slow', ...running }),
      requestRow({ number: 3, id: 'e', kind: 'direct', method: 'POST', path: '/', phase: 'COMPLETED', runner }),
      requestRow({ number: 4, id: 'w', kind: 'direct', method: 'POST', path: '/wait', phase: 'IN_QUEUE', reason }),
    ],
  });
}

it('of a call is that of its runner, by its id', () => {
  expect(presentState(live('paused'), call)).toBe('paused in debugger');
  expect(presentState(live(null), call)).toBeUndefined();
  expect(presentState(live('paused'), { ...call, isRunning: false })).toBeUndefined();
  expect(presentState(live('paused'), { ...call, requestId: 'e' })).toBeUndefined();
  expect(presentState(undefined, call)).toBeUndefined();
});

it('of a direct call is found by its endpoint, because it has no id before its answer', () => {
  const slow = { ...direct, sentTo: { alias: 'hello', path: '/slow' } };
  expect(presentState(live('paused'), slow)).toBe('paused in debugger');
  expect(presentState(live('paused'), direct)).toBeUndefined();
  expect(presentState(live('paused'), { ...slow, mode: 'queue' })).toBeUndefined();
});

it('of a direct call is never that of another app, whose endpoint may have the same path', () => {
  const slow = { ...direct, sentTo: { alias: 'other', path: '/slow' } };
  expect(presentState(live('paused'), slow)).toBeUndefined();
  expect(presentState(live('paused'), { ...slow, sentTo: null })).toBeUndefined();
});

it('of a call that waits says why, without counting seconds', () => {
  const waiting = { ...direct, sentTo: { alias: 'hello', path: '/wait' } };
  const text = 'waiting: start failed · ValueError: no weights';
  expect(presentState(live(null), waiting)).toBe(text);
  expect(presentState(live(null), { ...call, requestId: 'w' })).toBe(text);
});
