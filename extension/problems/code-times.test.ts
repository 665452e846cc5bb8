import { describe, expect, it } from 'vitest';
import type { AppRow } from '../target/live.ts';
import { appRow } from '../target/testing/live.ts';
import { createCodeTimes } from './code-times.ts';

type Reload = NonNullable<AppRow['reload']>;

const reloaded = (outcome: Reload['outcome'], at: number): Reload => ({
  ...{
    at,
    outcome,
    ms: 5,
    sentence: '',
    cause: null,
    reason: null,
    error: null,
    setupKept: true,
    certificate: null,
    audit: null,
  },
});

function times(...states: readonly (readonly [revision: string, reload: Reload | null])[]) {
  const all = createCodeTimes();
  let live: Parameters<typeof all.of>[1];
  for (const [revision, reload] of states) {
    const apps = new Map([['a', appRow({ alias: 'a', kind: 'run', revision, reload })]]);
    live = { apps, runners: new Map([['r', { startedAt: 10 }]]) };
    all.note(live);
  }
  return (revision: string, runnerId = 'r') => all.of({ alias: 'a', revision, runnerId, at: 999 }, live);
}

describe('the code that prints', () => {
  it('is that of the start of its runner', () => {
    expect(times(['a', null])('a')).toBe(10);
  });

  it('is that of the save which the runner has exchanged since, also when a later one could not be imported', () => {
    expect(times(['a', null], ['b', reloaded('swapped', 105)])('b')).toBe(100);
    expect(times(['a', null], ['b', reloaded('swapped', 105)], ['b', reloaded('kept', 200)])('b')).toBe(100);
  });

  it('of a request that had begun before an exchange is the old one', () => {
    expect(times(['a', null], ['b', reloaded('swapped', 105)])('a')).toBe(10);
  });

  it('stays the same when only settings changed', () => {
    const of = times(['a', null], ['b', reloaded('swapped', 105)], ['c', reloaded('registered', 205)]);
    expect([of('b'), of('c')]).toEqual([100, 100]);
    expect(times(['a', null], ['b', reloaded('registered', 105)])('b')).toBe(10);
  });

  it('of a revision that the state does not know yet is the newest', () => {
    expect(times(['a', null])('b')).toBe(999);
  });

  it('of a new runner is that of its start', () => {
    expect(times(['a', null], ['b', reloaded('restarted', 8)])('b')).toBe(10);
  });

  it('of a runner that is not known any more is the newest', () => {
    expect(times(['a', null])('a', 'other')).toBe(999);
  });
});
