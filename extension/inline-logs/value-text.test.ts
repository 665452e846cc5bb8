import { expect, it } from 'vitest';
import type { LineValues, Value } from './line-values.ts';
import { hoverText, textAfter } from './value-text.ts';

const value = (text: string, more: Partial<Value> = {}): Value => {
  const nobody = { runnerId: null, requestId: null };
  return { seq: 1, at: 5, codeAt: 1, text, alias: 'a', revision: null, ...nobody, ...more };
};
const lineWith = (values: readonly Value[], count = values.length): LineValues => {
  return { line: 1, count, isAtLeast: false, values, isStale: false };
};

it.each([
  ['one value', lineWith([value('loading the model')]), 'loading the model'],
  ['many values', lineWith([value('a'), value('step 3 of 3')], 12), 'step 3 of 3  ×12'],
  ['more values than were counted', { ...lineWith([value('step 9')], 500), isAtLeast: true }, 'step 9  ×500+'],
  ['a long value', lineWith([value('x'.repeat(500))]), `${'x'.repeat(119)}…`],
  ['white space', lineWith([value('  a\tb\n c ')]), 'a b c'],
  ['a command for a terminal', lineWith([value('\u001b]0;title\u0007')]), '\\x1b]0;title\\x07'],
])('the text after a line with %s', (_, line, text) => {
  expect(textAfter(line)).toBe(text);
});

it('a hover lists the newest first, as plain text, with its origin', () => {
  const line = lineWith(
    [value('old', { runnerId: 'gone' }), value('[click](command:x) <b>', { requestId: 'q', runnerId: 'r' })],
    11,
  );
  const text = hoverText(line, {
    runnerNumber: (id) => (id === 'r' ? 2 : undefined),
    request: () => ({ number: 39, method: 'POST', path: '/slow' }),
    time: () => '20:44:09',
    links: ({ requestId }) => [`[Open](command:${requestId})`],
  });
  expect(text.split('\n\n')).toEqual([
    '\\[click\\]\\(command\\:x\\) \\<b\\> — *POST \\/slow \\#39 · runner 2 · 20\\:44\\:09*',
    'old — *20\\:44\\:09*',
    '… 9 more',
    '[Open](command:q)',
  ]);
});
