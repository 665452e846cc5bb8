import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isWithinLine } from './within-line.ts';

it.each([
  ['\\d{4}[xyz]', true],
  ['^(timeout|refused)$', true],
  ['(?:a|b)+\\.\\w*?', true],
  ['[\\d.]+ \\S+\\b', true],
  ['a[^b]*c', false],
  ['\\s+x', false],
  ['[\\s\\S]', false],
  ['\\D', false],
  ['\\W', false],
  ['x(?!y)', false],
  ['(?<=x)y', false],
  ['(?<name>x)', false],
  ['(x)\\1', false],
  ['\\x0a', false],
  ['\\u000a', false],
  ['\\cJ', false],
  ['\\n', false],
  ['\\\n', false],
  ['[\t-z]', false],
  ['ends with \\', false],
])('%s: %s', (source, expected) => {
  expect(isWithinLine(source)).toBe(expected);
});

it('finds a message that matches also among others, and nothing beyond a line', () => {
  const piece = fc.constantFrom(
    ...['a', 'b', 'x', ' ', '.', '*', '?', '+', '{2}', '(', '(?:', '(?!', ')', '[', '[^', ']', '|', '-', '~'],
    ...['\\d', '\\w', '\\s', '\\S', '\\D', '\\W', '\\b', '\\B', '\\.', '\\n', '^', '$', '1', 'é', '\\1', '\n', '\t'],
  );
  const unit = fc.constantFrom('a', 'B', 'x', ' ', '1', '.', 'é', '\n', '\t', '\0');
  let understood = 0;
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 8 }),
      fc.tuple(fc.string({ unit }), fc.string({ unit }), fc.string({ unit })),
      (pieces, messages) => {
        const source = pieces.join('');
        let patterns: readonly [RegExp, RegExp];
        try {
          patterns = [new RegExp(source, 'i'), new RegExp(source, 'im')];
        } catch {
          return;
        }
        if (!isWithinLine(source)) return;
        understood++;
        const text = messages.join('\n');
        if (messages.some((message) => patterns[0].test(message))) expect(patterns[1].test(text)).toBe(true);
        expect(patterns[1].exec(text)?.[0] ?? '').not.toContain('\n');
      },
    ),
    { numRuns: 5_000 },
  );
  expect(understood).toBeGreaterThan(500);
});
