import { expect, it } from 'vitest';
import type { RunnerRow } from '../target/live.ts';
import { runnerRow } from '../target/testing/live.ts';
import { runnersToAttach } from './runners-to-attach.ts';

it.each<[string, Partial<RunnerRow>, boolean]>([
  ['waits for a debugger', { state: 'SETUP', debug: 'waiting' }, true],
  ['is idle', {}, true],
  ['works', { state: 'RUNNING' }, true],
  ['may still wait for a debugger', { state: 'SETUP' }, false],
  ['has no process yet', { state: 'PENDING' }, false],
  ['finishes', { state: 'DRAINING' }, false],
  ['has another debugger', { debug: 'attached' }, false],
  ['is stopped by another debugger', { state: 'RUNNING', debug: 'paused' }, false],
  ['waited, and has ended', { endedAt: 1, debug: 'waiting' }, false],
])('a debugger that an app has attaches to a runner that %s', (_, more, expected) => {
  expect(runnersToAttach([runnerRow(more)], new Set())).toHaveLength(expected ? 1 : 0);
});

it('tries each runner once', () => {
  const both = [runnerRow({ id: 'a' }), runnerRow({ id: 'b' })];
  expect(runnersToAttach(both, new Set(['a'])).map(({ id }) => id)).toEqual(['b']);
});
