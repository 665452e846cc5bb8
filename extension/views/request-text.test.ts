import { expect, it } from 'vitest';
import type { RequestFacts } from '../target/requests.ts';
import { requestText } from './request-text.ts';

const facts: RequestFacts = {
  requestId: 'q-1',
  number: 38,
  method: 'POST',
  path: '/slow',
  coldMs: 5_200,
  history: [
    { number: 1, runner: { id: 'r', number: 2 }, startedAt: 1_000, endedAt: 2_000, status: 500, because: null },
  ],
  alias: 'hello',
  phase: 'COMPLETED',
  submittedAt: 0,
  completedAt: 2_000,
  runnerId: 'r',
  attempts: 1,
  status: 500,
  error: null,
  exception: { type: 'KeyError', message: "'style'", file: '/w/app.py', line: 31 },
  why: null,
};
const timeOf = (at: number) => `at ${at}`;
const body = (text: string, contentType = 'application/json') => ({
  contentType,
  bytes: text.length,
  base64: btoa(text),
});

it('shows facts, timeline, input, output and logs of a request', () => {
  const data = { input: { ...body('{"a":1}'), query: '' }, output: { ...body('```', 'text/plain'), status: 500 } };
  expect(requestText(facts, { data, logs: [{ at: 1_500, text: 'step 1' }] }, timeOf).split('\n')).toEqual([
    '# #38 POST /slow of hello',
    '',
    '- failed with 500 after 2.0 s',
    '- Cold start: waited 5.2 s for its runner',
    "- KeyError: 'style' (/w/app.py:31)",
    '- ID: q-1',
    '',
    '## Timeline',
    '',
    '- at 0 submitted',
    '- at 1000 attempt 1 began on runner 2',
    '- at 2000 attempt 1 ended with 500',
    '- at 2000 completed',
    '',
    '## Input',
    '',
    '```json',
    '{',
    '  "a": 1',
    '}',
    '```',
    '',
    '## Output',
    '',
    '````',
    '```',
    '````',
    '',
    '## Logs',
    '',
    '    at 1500  step 1',
    '',
  ]);
});

it('is bounded, and says what it leaves out', () => {
  const large = { contentType: 'image/png', bytes: 5_000_000, base64: null, query: '' };
  const data = { input: large, output: { ...body('x'.repeat(100_000), 'text/plain'), status: 200 } };
  const text = requestText(facts, { data, logs: Array.from({ length: 600 }, (_, at) => ({ at, text: 'l' })) }, timeOf);
  expect(text).toContain('5000000 bytes of image/png: too large to be shown.');
  expect(text).toContain('… 34464 more characters');
  expect(text).toContain('… 100 earlier lines');
  expect(text.length).toBeLessThan(80_000);
  expect(requestText(facts, { data: undefined, logs: [] }, timeOf)).toContain('The input is not stored.');
});

it('shows numbers of an input as they were sent', () => {
  const data = { input: { ...body('{"seed":18446744073709551615}'), query: '' }, output: null };
  expect(requestText(facts, { data, logs: [] }, timeOf)).toContain('  "seed": 18446744073709551615\n');
});

it('has no section that an app has made up, and no control characters', () => {
  const text = 'a\n## Output\n\u001b[2J';
  const exception = { type: 'E', message: text, file: null, line: null };
  const shown = requestText({ ...facts, exception, error: text }, { data: undefined, logs: [{ at: 1, text }] }, timeOf);
  expect(shown.match(/^## Output$/gm)).toHaveLength(1);
  expect(shown).not.toContain('\u001b');
});

it('says when a request was cancelled, not that it failed', () => {
  const cancelled = { ...facts, status: 499, error: 'The request was cancelled.', exception: null, history: [] };
  const text = requestText(cancelled, { data: undefined, logs: [] }, timeOf);
  expect(text).toMatch(/^- cancelled after 2\.0 s$/m);
  expect(text).toMatch(/^- at 2000 cancelled$/m);
  const run = requestText(
    { ...cancelled, alias: 'dfeb630e-dfe7-42b6-a6de-a13d6acf33d8', appName: 'painter' },
    { data: undefined, logs: [] },
    timeOf,
  );
  expect(run).toMatch(/^# #38 POST \/slow of painter \(run\)$/m);
});
