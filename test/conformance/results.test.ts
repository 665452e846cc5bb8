import { describe, expect, it } from 'vitest';
import { mergePhases, type Outcome, stable } from './report.ts';
import { passedTests, regressions, resultsTable } from './results.ts';

type Line = Parameters<typeof mergePhases>[0][number];

function phases(
  test: string,
  outcomes: { [phase in Line['phase']]?: Line['outcome'] },
  rest: Partial<Line> = {},
): Line[] {
  return Object.entries(outcomes).map(([phase, outcome]) => ({
    test,
    nodeid: test,
    phase: phase as Line['phase'],
    outcome,
    milliseconds: 1,
    reason: outcome === 'failed' || outcome === 'skipped' ? `${phase} reason` : '',
    not_implemented: false,
    ...rest,
  }));
}

function suite(...results: [test: string, outcome: Outcome][]) {
  const rows = results.map(([test, outcome]) => ({ test, nodeid: test, outcome, reason: 'a | <b>', milliseconds: 1 }));
  return { suite: 'e2e', results: rows };
}

describe('mergePhases', () => {
  it.each([
    [
      'a test that went through its three phases',
      { setup: 'passed', call: 'passed', teardown: 'passed' },
      'passed',
      '',
    ],
    ['a failed call', { setup: 'passed', call: 'failed', teardown: 'passed' }, 'failed', 'call reason'],
    ['a failed fixture', { setup: 'failed', teardown: 'passed' }, 'failed', 'setup: setup reason'],
    [
      'a failed clean-up after a good call',
      { setup: 'passed', call: 'passed', teardown: 'failed' },
      'failed',
      'teardown: teardown reason',
    ],
    ['a skip', { setup: 'skipped', teardown: 'passed' }, 'skipped', 'setup reason'],
    ['an expected failure', { setup: 'passed', call: 'xfailed', teardown: 'passed' }, 'xfailed', ''],
    ['a run that was killed in the call', { setup: 'passed' }, 'failed', 'did not finish'],
    ['a run that was killed before the clean-up', { setup: 'passed', call: 'passed' }, 'failed', 'did not finish'],
    ['a worker that died', { setup: 'passed', '???': 'failed' }, 'failed', '???: ??? reason'],
  ] as const)('reads %s', (_name, outcomes, outcome, reason) => {
    expect(mergePhases(phases('t', outcomes))).toMatchObject([{ test: 't', outcome, reason }]);
  });

  it('distinguishes a missing feature from a failure', () => {
    const lines = phases('t', { setup: 'passed', call: 'failed', teardown: 'passed' }, { not_implemented: true });
    expect(mergePhases(lines)[0]?.outcome).toBe('not_implemented');
  });

  it('sorts by test, whatever the order of the workers', () => {
    const all = { setup: 'passed', call: 'passed', teardown: 'passed' } as const;
    expect(mergePhases([...phases('b', all), ...phases('a', all)]).map(({ test }) => test)).toEqual(['a', 'b']);
  });
});

describe('stable', () => {
  it('removes what differs from run to run', () => {
    const messageOf = (id: string, port: number, hex: string) =>
      stable(`runner ${id} of addition-${hex} at localhost:${port} wrote /tmp/x${port}/y after ${port}.1234 s`);
    expect(messageOf('0b6c1d9e-1111-4222-8333-444455556666', 41234, '0a1b2c3d')).toBe(
      messageOf('ffffffff-0000-4000-8000-999999999999', 55555, 'deadbeef'),
    );
  });

  it('keeps the information that a reader needs', () => {
    expect(stable('assert 3 == 4, got 503 from /health')).toBe('assert 3 == 4, got 503 from /health');
  });
});

describe('regressions', () => {
  const baseline = ['a', 'b', 'c'];

  it('names tests of the baseline that fail, are skipped or are gone', () => {
    expect(regressions(baseline, [suite(['a', 'failed'], ['b', 'skipped'])])).toEqual(['a', 'b', 'c']);
  });

  it('reports nothing if all of them pass, whatever else fails', () => {
    expect(regressions(baseline, [suite(['a', 'passed'], ['b', 'passed'], ['c', 'passed'], ['d', 'failed'])])).toEqual(
      [],
    );
  });

  it('ignores tests that were not selected', () => {
    expect(regressions(baseline, [suite(['a', 'failed'])], (test) => test === 'a')).toEqual(['a']);
  });

  it('includes only plain passes in the baseline', () => {
    expect(passedTests([suite(['b', 'passed'], ['a', 'passed'], ['x', 'xpassed'], ['y', 'failed'])])).toEqual([
      'a',
      'b',
    ]);
  });
});

describe('resultsTable', () => {
  const table = resultsTable([suite(['a', 'passed'], ['b', 'not_implemented'])], ['fal 1']);

  it('counts per suite', () => {
    expect(table).toContain('| e2e | 2 | 1 | 0 | 1 | 0 | 0 | 0 |');
  });

  it('includes the note of a suite', () => {
    const noted = resultsTable([{ ...suite(['a', 'passed']), note: 'With stand-ins.' }], ['fal 1']);
    expect(noted).toContain('## e2e\n\nWith stand-ins.\n\n| test |');
  });

  it('escapes reasons that would break the table', () => {
    expect(table).toContain('| b | not_implemented | a \\| &lt;b> |');
  });
});
