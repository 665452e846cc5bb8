import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { literalIn } from './literal.ts';

describe('the literal of a regular expression', () => {
  it.each([
    ['needle', 'needle'],
    ['needle \\d+x', 'needle '],
    ['a.b|c', ''],
    ['(a|b)tail', 'tail'],
    ['colou?r is', 'colo'],
    ['ab*', 'a'],
    ['\\d{4}x', 'x'],
    ['\\d{4}[xyz]', ''],
    ['abc+d', 'abc'],
    ['x{2,3}yz', 'yz'],
    ['[abc]+ end\\.$', ' end.'],
    ['\\x41bc', ''],
    ['(?:nested (x[)]) y) out', ' out'],
    ['übung macht', 'bung macht'],
    ['a{,3}', ''],
    ['\\bGPU\\b memory', ' memory'],
    ['(never ends', ''],
  ])('%s: "%s"', (source, literal) => {
    expect(literalIn(source)).toBe(literal);
  });

  it('is in every text that matches, whatever the expression', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      'c',
      ' ',
      '.',
      '*',
      '?',
      '+',
      '{2}',
      '(',
      ')',
      '[',
      ']',
      '|',
      '\\d',
      '\\.',
      '^',
      '$',
      '1',
      'é',
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 8 }),
        fc.string({ unit: fc.constantFrom('a', 'B', 'c', ' ', '1', '.', 'é', '{') }),
        (pieces, text) => {
          const source = pieces.join('');
          let pattern: RegExp;
          try {
            pattern = new RegExp(source, 'i');
          } catch {
            return;
          }
          if (pattern.test(text)) expect(text.toLowerCase()).toContain(literalIn(source).toLowerCase());
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
