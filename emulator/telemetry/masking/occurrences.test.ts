import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replacer } from './occurrences.ts';

describe('replacer', () => {
  it.each([
    ['nothing without texts', 'some text', [], 'some text'],
    ['one that is all there is', '12345678', ['12345678'], '*'],
    ['several, each by its own mark', 'x12345678abcdefgh y', ['12345678', 'abcdefgh'], 'x** y'],
    ['the longest that begins at a place', '123456789', ['12345678', '123456789'], '*'],
    ['two that overlap by one mark', 'x1234567890abcdefx', ['1234567890', '90abcdef'], 'x*x'],
    ['one that overlaps itself by one mark', `x${'ab'.repeat(7)}x`, ['abababab'], 'x*x'],
    ['characters beyond one unit', 'é😀😀😀😀x', ['😀😀😀😀'], 'é*x'],
  ])('replaces %s', (_, text, texts, expected) => {
    expect(replacer(texts, '*')(text)).toBe(expected);
  });

  it('finds the same as a search at every position', () => {
    const letters = fc.constantFrom('a', 'b', 'ü');
    const some = fc.array(fc.string({ unit: letters, minLength: 8, maxLength: 12 }), { maxLength: 4 });
    fc.assert(
      fc.property(some, fc.string({ unit: letters, maxLength: 80 }), (texts, text) => {
        const isHidden = Array.from(text, () => false);
        for (const each of texts) {
          for (let at = text.indexOf(each); at >= 0; at = text.indexOf(each, at + 1)) {
            isHidden.fill(true, at, at + each.length);
          }
        }
        const shown = Array.from(text).filter((_character, at) => !isHidden[at]);
        expect(replacer(texts, '*')(text).replaceAll('*', '')).toBe(shown.join(''));
      }),
    );
  });
});
