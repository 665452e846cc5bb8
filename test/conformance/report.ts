import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { groupBy } from '../support/group-by.ts';

export type Outcome = 'passed' | 'failed' | 'not_implemented' | 'skipped' | 'xfailed' | 'xpassed';

export interface TestResult {
  /** The node id with long parameters shortened, as `plugin.py` writes it. */
  readonly test: string;
  /** The id for pytest's command line. */
  readonly nodeid: string;
  readonly outcome: Outcome;
  readonly reason: string;
  readonly milliseconds: number;
}

const line = z.object({
  test: z.string(),
  nodeid: z.string(),
  /** `???`: the worker process died in this test. */
  phase: z.enum(['collect', 'setup', 'call', 'teardown', '???']),
  outcome: z.enum(['passed', 'failed', 'skipped', 'xfailed', 'xpassed']),
  milliseconds: z.number(),
  reason: z.string(),
  not_implemented: z.boolean(),
});
type Line = z.infer<typeof line>;

/** Reads the output of `plugin.py`, sorted by test. A test that never ended has failed. */
export async function readReport(file: string): Promise<readonly TestResult[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return mergePhases(
    text
      .split('\n')
      .filter((row) => row !== '')
      .map((row) => line.parse(JSON.parse(row))),
  );
}

/** Merges the phases of a test into one result: the first failure counts, then a skip, then the result of the call. */
export function mergePhases(lines: readonly Line[]): readonly TestResult[] {
  const byTest = groupBy(lines, (entry) => entry.test);
  return [...byTest.entries()]
    .map(([test, phases]): TestResult => {
      const phase = decisive(phases);
      const nodeid = phases[0]?.nodeid ?? test;
      const milliseconds = phases.reduce((sum, phase) => sum + phase.milliseconds, 0);
      if (!phase) return { test, nodeid, outcome: 'failed', reason: 'did not finish', milliseconds };
      const outcome = phase.outcome === 'failed' && phase.not_implemented ? 'not_implemented' : phase.outcome;
      const reason = phase.phase === 'call' || outcome === 'skipped' ? phase.reason : `${phase.phase}: ${phase.reason}`;
      return { test, nodeid, outcome, reason: stable(reason), milliseconds };
    })
    .sort((a, b) => (a.test < b.test ? -1 : 1));
}

function decisive(phases: readonly Line[]): Line | undefined {
  return (
    phases.find((phase) => phase.outcome === 'failed') ??
    phases.find((phase) => phase.outcome === 'skipped') ??
    (phases.some((phase) => phase.phase === 'teardown') ? phases.find((phase) => phase.phase === 'call') : undefined)
  );
}

/**
 * Removes everything that differs from run to run (ids, ports, temporary names, times), so that the committed table
 * changes only for a reason.
 */
export function stable(reason: string): string {
  return reason
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '<id>')
    .replace(/\b0x[0-9a-f]+\b/gi, '<address>')
    .replace(/([-_])[0-9a-f]{8,}\b/gi, '$1<hex>')
    .replace(/\b(localhost|127\.0\.0\.1|\[::1\]):\d+/g, '$1:<port>')
    .replace(/\/tmp\/[^\s'"]+/g, '<temporary>')
    .replace(/\b\d+\.\d{3,}\b/g, '<number>');
}
