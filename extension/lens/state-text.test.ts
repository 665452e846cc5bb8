import { describe, expect, it } from 'vitest';
import type { AppFacts } from './facts.ts';
import { endpointText, stateText } from './state-text.ts';

const quiet: AppFacts = {
  alias: 'a',
  isDeployed: true,
  queued: 0,
  ready: 0,
  busy: 0,
  lastFailure: null,
  waitsBecause: null,
};
const text = (facts: Partial<AppFacts> | undefined) =>
  stateText([{ name: 'a', facts: facts && { ...quiet, ...facts } }], () => '20:44:12');

describe('the state of an app in its lens', () => {
  it.each<[Partial<AppFacts> | undefined, string]>([
    [undefined, '◌ starting'],
    [{}, '○ deployed, no runner'],
    [{ starting: 'pending' }, '◌ starting'],
    [{ starting: 'setup', queued: 1 }, '◌ setup, 1 queued'],
    [{ ready: 1 }, '● idle'],
    [{ ready: 3 }, '● 3 idle'],
    [{ ready: 1, busy: 1, queued: 1, debug: 'paused' }, '◉ paused in debugger, 1 queued'],
    [{ ready: 1, busy: 1, debug: 'paused', reloadWaits: true }, '◉ reload waits for the debugger'],
    [{ starting: 'setup', debug: 'waiting' }, '◌ waits for debugger'],
    [{ ready: 2, busy: 2, queued: 3, starting: 'setup' }, '● 2 of 2 busy, 3 queued'],
    [
      { backingOff: { why: 'no weights', until: 0 }, lastFailure: 'x' },
      '✕ start failed: no weights; next try at 20:44:12',
    ],
    [{ backingOff: { why: 'no weights', until: null }, queued: 2 }, '✕ start failed: no weights, 2 queued'],
    [{ ready: 1, scaling: 'pinned' }, '● idle, kept warm'],
    [{ ready: 2, busy: 1, queued: 1, scaling: 'pinned' }, '● 1 of 2 busy, 1 queued, kept warm'],
    [{ starting: 'setup', scaling: 'pinned' }, '◌ setup'],
    [{ scaling: 'faithful' }, '○ no runner, faithful scaling'],
    [{ ready: 1, scaling: 'faithful' }, '● idle, faithful scaling'],
    [{ lastFailure: 'RuntimeError: no weights' }, '✕ last start failed: RuntimeError: no weights'],
  ])('%j is %j', (facts, expected) => {
    expect(text(facts)).toBe(expected);
  });

  it('says so where nothing runs, and names several places', () => {
    expect(stateText([], String)).toBe('not running');
    expect(stateText([{ name: 'deploy', facts: undefined, isDeploying: true }], String)).toBe('◌ deploying');
    const places = [
      { name: 'run', facts: undefined },
      { name: 'img-prod', facts: { ...quiet, ready: 1 } },
    ];
    expect(stateText(places, String)).toBe('run: ◌ starting · img-prod: ● idle');
    // Known to the emulator before its runner is, and never deployed.
    expect(stateText([{ name: 'run', isRun: true, facts: quiet }], String)).toBe('◌ starting');
  });

  it('says that the code has changed since, also where the rest is cut', () => {
    const place = { name: 'run', facts: { ...quiet, ready: 1 }, isChanged: true };
    expect(stateText([place], String)).toBe('● idle, code changed');
    expect(stateText([place, { ...place, name: 'img', isChanged: false }], String)).toBe(
      'run: ● idle, code changed · img: ● idle',
    );
    const failing = { ...place, facts: { ...quiet, queued: 3, lastFailure: 'x'.repeat(200) } };
    expect(stateText([failing], String)).toMatch(/^✕ last start failed: x{30,}.*, code changed$/);
    expect(stateText([failing], String).length).toBeLessThanOrEqual(90);
  });

  it('stays short whatever an app says', () => {
    const long = 'x'.repeat(10_000);
    expect(text({ lastFailure: long }).length).toBeLessThanOrEqual(90);
    expect(text({ backingOff: { why: long, until: 1 } }).length).toBeLessThanOrEqual(100);
  });
});

it.each([
  [undefined, 'POST /slow'],
  [{ calls: 0, failures: 0, p50Ms: null, lastFailure: null }, 'no calls'],
  [{ calls: 1, failures: 0, p50Ms: 14.2, lastFailure: null }, '1 call · p50 14 ms'],
  [
    { calls: 4, failures: 1, p50Ms: 6_120, lastFailure: 'KeyError, line 38' },
    '4 calls · p50 6.1 s · 1 failed: KeyError, line 38',
  ],
  [{ calls: 2, failures: 2, p50Ms: null, lastFailure: null }, '2 calls · 2 failed'],
  [{ calls: 9, failures: 0, p50Ms: 90_000, lastFailure: null }, '9 calls · p50 1.5 min'],
])('the figures %j of an endpoint are %j', (facts, expected) => {
  expect(endpointText({ kind: 'http', path: '/slow' }, facts ? [{ name: '', figures: facts }] : [])).toBe(expected);
});

it('names the places where an endpoint was called', () => {
  const figures = { calls: 4, failures: 0, p50Ms: 14, lastFailure: null };
  const text = endpointText({ kind: 'http', path: '/slow' }, [
    { name: 'run', figures },
    { name: 'img', figures: { ...figures, calls: 1, failures: 1, p50Ms: null, lastFailure: 'x'.repeat(200) } },
  ]);
  expect(text).toMatch(/^run: 4 calls · p50 14 ms · img: 1 call · 1 failed: x{30,}…$/);
  expect(text.length).toBeLessThanOrEqual(90);
});

it('says how an endpoint is reached that is not called by POST', () => {
  expect(endpointText({ kind: 'realtime', path: '/live' }, [])).toBe('realtime /live');
  expect(endpointText({ kind: 'websocket', path: '/ws' }, [])).toBe('websocket /ws');
});
