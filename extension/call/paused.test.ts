import { expect, it } from 'vitest';
import { liveWith, requestRow, runnerRow } from '../target/testing/live.ts';
import { isPaused } from './paused.ts';

const runner = { id: 'r', number: 1 };
const running = { phase: 'IN_PROGRESS', runner } as const;
const call = {
  isRunning: true,
  requestId: 'q',
  mode: 'queue',
  method: 'POST',
  request: { address: { alias: 'hello', path: '/' }, input: {} },
} as const;

function live(debug: 'paused' | null) {
  return liveWith({
    runners: [runnerRow({ id: 'r', debug })],
    requests: [
      requestRow({ number: 1, id: 'q', kind: 'queue', method: 'POST', path: '/', ...running }),
      requestRow({ number: 2, id: 'd', kind: 'direct', method: 'POST', path: '/slow', ...running }),
      requestRow({ number: 3, id: 'e', kind: 'direct', method: 'POST', path: '/', phase: 'COMPLETED', runner }),
    ],
  });
}

it('a call is paused while its runner is stopped, by its id', () => {
  expect(isPaused(live('paused'), call)).toBe(true);
  expect(isPaused(live(null), call)).toBe(false);
  expect(isPaused(live('paused'), { ...call, isRunning: false })).toBe(false);
  expect(isPaused(live('paused'), { ...call, requestId: 'e' })).toBe(false);
  expect(isPaused(undefined, call)).toBe(false);
});

it('a direct call has no id before its answer, so that its endpoint decides', () => {
  const direct = { ...call, mode: 'direct', requestId: null } as const;
  const slow = { ...direct, request: { address: { alias: 'hello', path: '/slow' }, input: {} } };
  expect(isPaused(live('paused'), slow)).toBe(true);
  expect(isPaused(live('paused'), direct)).toBe(false);
  expect(isPaused(live('paused'), { ...slow, mode: 'queue' })).toBe(false);
});
