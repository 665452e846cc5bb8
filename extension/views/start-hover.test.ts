import { expect, it } from 'vitest';
import type { RunnerStart } from '../target/starts.ts';
import { startHover } from './start-hover.ts';

const stage = { imports: null, previousMs: null };
const start: RunnerStart = {
  ...{ id: 'r-2', number: 2, alias: 'demo', totalMs: 8_000 },
  stages: [
    { ...stage, name: 'slot', at: 1_000, ms: 0 },
    { ...stage, name: 'imports', at: 1_000, ms: 4_000 },
    { ...stage, name: 'setup', at: 5_000, ms: 4_000 },
    { ...stage, name: 'firstCall', at: 90_000, ms: 4_000 },
  ],
  previous: { id: 'r-1', number: 1, totalMs: 7_500 },
  advice: [{ code: 'imports_in_first_call', text: 'Import *them* earlier.', savesMs: 500 }],
};

it('the tooltip of a runner has the waterfall of its start, the change, and advice', () => {
  const runner = '%5B%7B%22rowId%22%3A%22runner%2Fr-2%22%2C%22runner%22%3A%22r-2%22%7D%5D';
  expect(startHover(start)).toBe(`**Start:** Ready after 8\\.0 s\\: 500 ms more than runner 1\\.

\`\`\`text
Waiting for a slot   0 ms  ▏
Imports of the app  4.0 s  ████████
setup()             4.0 s          ████████
First call          4.0 s                  ████████
\`\`\`

- Import \\*them\\* earlier\\. This took 500 ms\\.

[Show Start](command:minifal.showStart?${runner}) | [Export Start as Trace](command:minifal.exportStart?${runner})`);
});

it('a start that lasts, and one of which nothing is known', () => {
  const lasting = { ...stage, name: 'setup', at: 5_000, ms: null } as const;
  const text = startHover({ ...start, totalMs: null, stages: [...start.stages.slice(0, 2), lasting], advice: [] });
  expect(text).toContain('**Start:** Not ready');
  expect(text).toMatch(/setup\(\) +… +░\n/);
  expect(startHover({ ...start, stages: [] })).toBe('');
});

it.each([
  [7_500, 8_000, 'Ready after 8.0 s: 500 ms more than runner 1.'],
  [10_000, 8_000, 'Ready after 8.0 s: 2.0 s less than runner 1.'],
  [8_100, 8_000, 'Ready after 8.0 s, as runner 1.'],
])('a start before of %j ms and one of %j ms', (before, totalMs, expected) => {
  const text = startHover({ ...start, totalMs, previous: { id: 'r-1', number: 1, totalMs: before } });
  expect(text.split('\n')[0]?.replaceAll('\\', '')).toBe(`**Start:** ${expected}`);
});
