import { expect, it } from 'vitest';
import type { Snapshot } from '../target/snapshot.ts';
import { appFacts } from './facts.ts';

type Status = NonNullable<Snapshot['status']>;
const runner = (alias: string, state: string, more: Partial<Status['runners'][number]> = {}) => ({
  id: `${alias} ${state}`,
  number: 1,
  alias,
  revision: 'r',
  state,
  since: 0,
  requests: [],
  endedAt: null,
  endReason: null,
  transitions: [],
  ...more,
});
const app = (alias: string, more: Partial<Status['apps'][number]> = {}) => ({
  alias,
  revision: 'r',
  authMode: 'private' as const,
  url: '',
  queueSize: 0,
  lastFailure: null,
  ...more,
});

it('has the state of each deployed app and of each run', () => {
  const status: Status = {
    version: '',
    pid: 1,
    startedAt: 0,
    timeScale: 1,
    owner: 'local',
    secrets: 'open',
    isolation: { mode: 'off', missing: [] },
    trouble: null,
    troubleWhy: null,
    apps: [app('busy', { queueSize: 3 }), app('broken', { lastFailure: 'no weights\nat line 3' }), app('none')],
    runners: [
      runner('busy', 'RUNNING'),
      runner('busy', 'IDLE'),
      runner('busy', 'SETUP'),
      runner('busy', 'RUNNING', { endedAt: 5 }),
      runner('broken', 'FAILURE_DELAY', {
        transitions: [{ at: 0, state: 'FAILURE_DELAY', reason: 'The last start failed: no weights\nat line 3' }],
      }),
      runner('0f-run', 'PENDING'),
    ],
    waiting: [{ requestId: 'x', alias: 'busy', since: 0, why: 'All slots are busy.' }],
  };
  expect([...appFacts(status).values()]).toEqual([
    {
      alias: 'busy',
      queued: 3,
      ready: 2,
      busy: 1,
      starting: 'setup',
      lastFailure: null,
      waitsBecause: 'All slots are busy.',
    },
    {
      alias: 'broken',
      queued: 0,
      ready: 0,
      busy: 0,
      backingOff: { why: 'no weights', until: null },
      lastFailure: 'no weights',
      waitsBecause: null,
    },
    { alias: 'none', queued: 0, ready: 0, busy: 0, lastFailure: null, waitsBecause: null },
    { alias: '0f-run', queued: 0, ready: 0, busy: 0, starting: 'pending', lastFailure: null, waitsBecause: null },
  ]);
});
