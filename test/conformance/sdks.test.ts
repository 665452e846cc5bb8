import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sdks } from './sdks.ts';

const reasons = z.record(z.string(), z.string().min(1));
const read = (folder: string, name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));

describe.each(sdks)('fal $version', ({ version, folder, results, requirements, suites }) => {
  const table = readFileSync(results, 'utf8');
  const rows = new Map(
    table
      .split('\n')
      .filter((line) => line.startsWith('| tests/'))
      .map((line) => line.slice(2).split(' | ') as [test: string, outcome: string]),
  );

  it('skips and unskips only existing tests, with their reasons', () => {
    const skipped = Object.keys(reasons.parse(read(folder, 'skips.json')));
    const unskipped = Object.keys(reasons.parse(read(folder, 'unskips.json')));
    expect(skipped.filter((test) => rows.get(test) !== 'skipped')).toEqual([]);
    const file = join(folder, 'containers.json');
    const contained = existsSync(file) ? z.array(z.string()).parse(JSON.parse(readFileSync(file, 'utf8'))) : [];
    expect(contained.filter((test) => rows.get(test) !== 'passed')).toEqual([]);
    expect(unskipped.filter((test) => rows.get(test) === undefined || rows.get(test) === 'skipped')).toEqual([]);
  });

  it('has the passed tests of its table as its baseline', () => {
    const passed = [...rows].filter(([, outcome]) => outcome === 'passed').map(([test]) => test);
    expect(z.array(z.string()).parse(read(folder, 'baseline.json'))).toEqual(passed.toSorted());
    expect(rows.size).toBe(suites.reduce((sum, { tests }) => sum + tests, 0));
  });

  it('runs in an environment that pins exactly this release', () => {
    expect(readFileSync(requirements, 'utf8').split('\n')).toContain(`fal==${version}`);
  });
});
