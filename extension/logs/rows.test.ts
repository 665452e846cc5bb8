import { expect, it } from 'vitest';
import type { LogRow } from '../target/log-client.ts';
import { plainLines } from './plain-text.ts';
import { paneRow } from './rows.ts';

const line = (message: string, change: Partial<LogRow> = {}): LogRow => ({
  ...{ seq: 1, at: 5, level: 'STDOUT', source: 'USER', stream: 'stdout', message, alias: 'painter', revision: 'rev' },
  ...{ runnerId: 'r1', requestId: 'q1', endpoint: '/', isServer: false, place: null, exception: null },
  ...change,
});

it.each([
  ['colours and titles of a terminal', '\u001b[31mred\u001b[0m \u001b]0;title\u0007end', ['red end']],
  ['the last state of a progress bar', '\r1 %\r2 %\r', ['2 %']],
  ['control characters and reversed text', 'a\u0000b\u202ec\u009b2J', ['a\\x00b\\u202ec']],
  ['HTML', '<img src=x onerror=alert(1)>', ['<img src=x onerror=alert(1)>']],
  ['several lines', 'one\n\n  two\n', ['one', '  two']],
  ['tabs', 'a\tb', ['a    b']],
])('shows %s as plain text', (_, message, lines) => {
  expect(plainLines(message)).toEqual(lines);
});

it('cuts a line of a million characters, and very many lines', () => {
  const [long = ''] = plainLines('x'.repeat(1_000_000));
  expect(long.length).toBeLessThan(2_010);
  expect(long).toMatch(/ …$/);
  expect(plainLines('y\n'.repeat(10_000)).length).toBeLessThanOrEqual(200);
});

it("shows an exception at the app's frame, with the frames below it", () => {
  const frames = [
    { file: '/lib/site-packages/starlette/routing.py', line: 1, function: 'route', isApp: false },
    { file: '/app/painter.py', line: 38, function: 'fast', isApp: true },
    { file: '/lib/json.py', line: 3, function: 'loads', isApp: false },
  ];
  const exception = { type: 'KeyError', message: "'style'", phase: 'request' as const, frames };
  const row = paneRow(line("KeyError: 'style'", { level: 'ERROR', stream: null, exception }), false);
  expect(row).toMatchObject({ kind: 'error', text: "KeyError: 'style'", place: { label: 'painter.py:38' } });
  expect(row?.details.map(({ text, place }) => `${place?.label} ${text}`)).toEqual([
    'json.py:3 in loads',
    'painter.py:38 in fast',
    'routing.py:1 in route',
  ]);
});

it('marks starts and ends of runners, and leaves out the states between them', () => {
  const platform = (message: string, all = false) =>
    paneRow(line(message, { source: 'BRIDGE', level: 'DEBUG', stream: null }), all);
  expect(platform('Runner SETUP -> IDLE: The runner is ready.')).toMatchObject({
    kind: 'mark',
    text: 'The runner is ready.',
  });
  expect(platform('Runner PENDING -> SETUP: The process has started.')).toBeUndefined();
  expect(platform('Runner PENDING -> SETUP: The process has started.', true)).toMatchObject({ kind: 'mark' });
});

it("leaves out the SDK's JSON of an exception, which has a row of its own", () => {
  expect(paneRow(line('{"traceback": "KeyError"}'), false)).toBeUndefined();
  expect(paneRow(line('{"traceback": "KeyError"}'), true)).toBeDefined();
  const long = `{"traceback": "KeyError: \\"a\\"${'\\n  File'.repeat(8_000)}`;
  for (const piece of [long, `${long}\\`]) expect(paneRow(line(piece), false)).toBeUndefined();
});

it("shows the app's own JSON with a traceback, which is of an exception that it caught", () => {
  expect(paneRow(line('{"traceback": "KeyError: \\"a\\"", "severity": "ERROR"}'), false)).toBeDefined();
});
