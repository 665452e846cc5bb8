import { expect, it } from 'vitest';
import type { Reason, RunnerRow } from '../target/live.ts';
import { appRow, liveWith, requestRow, runnerRow } from '../target/testing/live.ts';
import { appFacts } from './facts.ts';

const failed = 'The sentence of the emulator, which nobody takes apart.';
const busy: Reason = {
  code: 'max_concurrency_zero',
  numbers: {},
  since: 0,
  until: null,
  evidence: null,
  action: null,
  also: null,
};
const backingOff: Reason = { ...busy, code: 'start_failures', evidence: 'no weights' };
const main = { method: 'POST', path: '/', calls: 4, failures: 1, p50Ms: 14, lastFailure: null };
const runner = (alias: string, state: string, more: Partial<RunnerRow> = {}) =>
  runnerRow({ id: `${alias} ${state} ${more.endedAt}`, alias, state, ...more });

it('has the state of each deployed app and of each run', () => {
  const live = liveWith({
    apps: [
      appRow({ alias: 'busy', queued: 3, reason: busy, endpoints: [main] }),
      appRow({ alias: 'broken', lastFailure: 'no weights\nat line 3' }),
      appRow({ alias: 'none' }),
    ],
    runners: [
      runner('busy', 'RUNNING'),
      runner('busy', 'IDLE'),
      runner('busy', 'SETUP'),
      runner('busy', 'RUNNING', { endedAt: 5 }),
      runner('broken', 'FAILURE_DELAY', { why: failed, reason: backingOff, until: 30_000 }),
      runner('0f-run', 'PENDING'),
    ],
  });
  expect([...appFacts(live, 0).values()]).toEqual([
    {
      alias: 'busy',
      isDeployed: true,
      revision: 'r',
      queued: 3,
      ready: 2,
      busy: 1,
      starting: 'setup',
      lastFailure: null,
      waitsBecause: 'No runner may be started: max_concurrency is 0.',
      endpoints: new Map([['/', { calls: 4, failures: 1, p50Ms: 14, lastFailure: null }]]),
    },
    {
      alias: 'broken',
      isDeployed: true,
      revision: 'r',
      queued: 0,
      ready: 0,
      busy: 0,
      backingOff: { why: 'no weights', until: 30_000 },
      lastFailure: 'no weights',
      waitsBecause: null,
      endpoints: new Map(),
    },
    {
      alias: 'none',
      isDeployed: true,
      revision: 'r',
      queued: 0,
      ready: 0,
      busy: 0,
      lastFailure: null,
      waitsBecause: null,
      endpoints: new Map(),
    },
    {
      alias: '0f-run',
      isDeployed: false,
      queued: 0,
      ready: 0,
      busy: 0,
      starting: 'pending',
      lastFailure: null,
      waitsBecause: null,
    },
  ]);
});

it('says of the last failure of an endpoint what was raised, and in which line, as far as that is known', () => {
  const endpoint = (path: string, request: number, message: string) => ({
    method: 'POST',
    path,
    calls: 1,
    failures: 1,
    p50Ms: null,
    lastFailure: { request, message },
  });
  const raised = { type: 'KeyError', message: "'style'", file: '/w/app.py', line: 38 };
  const live = liveWith({
    apps: [appRow({ alias: 'a', endpoints: [endpoint('/', 7, "'style'"), endpoint('/old', 3, 'no weights\nmore')] })],
    requests: [requestRow({ number: 7, alias: 'a', status: 500, error: raised })],
  });
  const failures = [...(appFacts(live, 0).get('a')?.endpoints?.values() ?? [])].map(({ lastFailure }) => lastFailure);
  expect(failures).toEqual(['KeyError, line 38', 'no weights']);
});

it('has no revision for a run that was reloaded: its code is a newer one', () => {
  const reload = {
    outcome: 'swapped' as const,
    ...{ at: 1, ms: 180, sentence: 'Reloaded.', cause: null, reason: null, error: null },
    ...{ setupKept: true, certificate: null, audit: null },
  };
  const live = liveWith({
    apps: [appRow({ alias: 'a', revision: 'r' }), appRow({ alias: 'b', revision: 'r', reload })],
  });
  expect([...appFacts(live, 0).values()].map(({ revision }) => revision)).toEqual(['r', undefined]);
});

it('says that a save waits for the debugger which has stopped the old code', () => {
  const reloadWaits = (debug: 'attached' | 'paused', isChanging: boolean) =>
    appFacts(liveWith({ runners: [runner('a', 'RUNNING', { debug, isChanging })] }), 0).get('a')?.reloadWaits;
  expect(reloadWaits('paused', true)).toBe(true);
  expect([reloadWaits('paused', false), reloadWaits('attached', true)]).toEqual([undefined, undefined]);
});
