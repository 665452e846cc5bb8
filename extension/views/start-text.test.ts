import { expect, it } from 'vitest';
import type { RunnerStart } from '../target/starts.ts';
import { startText, startTrace } from './start-text.ts';

const torch = { ms: 3_100, count: 812, modules: [{ name: 'torch', ms: 2_400, count: 700 }] };
const stage = { imports: null, previousMs: null };
const start: RunnerStart = {
  ...{ id: 'r-2', number: 2, alias: 'demo', totalMs: 8_000 },
  stages: [
    { ...stage, name: 'slot', at: 1_000, ms: 0 },
    { ...stage, name: 'imports', at: 1_000, ms: 4_000, previousMs: 3_900, imports: torch },
    { ...stage, name: 'setup', at: 5_000, ms: 4_000 },
    { ...stage, name: 'firstCall', at: 20_000, ms: 700 },
  ],
  previous: { id: 'r-1', number: 1, totalMs: 7_500 },
  advice: [{ code: 'imports_in_first_call', text: 'Import them earlier.', savesMs: 500 }],
};

it('a start is a table of its stages with bars, then what was imported, then advice', () => {
  expect(startText(start)).toBe(`# Start of runner 2 of demo

Ready after 8.0 s: 500 ms more than runner 1.

    Stage                 Time  Before
    Waiting for a slot    0 ms          ▏
    Imports of the app   4.0 s   3.9 s  ███████████████
    setup()              4.0 s                         ██████████████
    First call          700 ms                                       ███

## Imports of the app: 812 modules in 3.1 s

    torch  2.4 s  700 modules

## Advice

- Import them earlier. This took 500 ms.
`);
});

it('the first start of an app has no column for the start before, and its bars more room', () => {
  const first = start.stages.map((one) => ({ ...one, previousMs: null }));
  const text = startText({ ...start, stages: first, previous: null });
  expect(text).toMatch(/^ {4}Stage +Time$/m);
  expect(text).toMatch(/^ {4}Imports of the app {3}4\.0 s {2}█{15}$/m);
});

it('a first call that was longer than the start does not make the bars of the start too small', () => {
  const [slot, imports, setup] = start.stages;
  if (!slot || !imports || !setup) throw new Error('a stage is missing');
  const text = startText({
    ...start,
    stages: [imports, setup, { ...stage, name: 'firstCall', at: 9_000, ms: 90_000 }],
  });
  expect(text).toMatch(/Imports of the app .*s {2}█{8}$/m);
  expect(text).toMatch(/setup\(\) .*s {18}█{8}$/m);
  expect(text).toMatch(/First call {2,}1\.5 min {10,}█{15}…$/m);
});

it('a start that lasts has a stage without an end', () => {
  const setup = { ...stage, name: 'setup', at: 5_000, ms: null } as const;
  const text = startText({ ...start, totalMs: null, stages: [...start.stages.slice(0, 2), setup], previous: null });
  expect(text).toContain('Not ready.\n');
  expect(text).toMatch(/setup\(\) {2,}… +░\n/);
  expect(startText({ ...start, stages: [], advice: [] })).toContain('# Start of runner 2 of demo');
});

it('a trace has an event in microseconds for each stage that has ended', () => {
  const { traceEvents } = JSON.parse(startTrace(start)) as { traceEvents: readonly { ph: string; name: string }[] };
  expect(traceEvents.filter(({ ph }) => ph === 'X').map(({ name }) => name)).toEqual([
    ...['start', 'slot', 'imports', 'setup', 'firstCall'],
  ]);
  expect(traceEvents.find(({ name }) => name === 'imports')).toMatchObject({
    ...{ ts: 1_000_000, dur: 4_000_000, args: { imports: torch } },
  });
});
