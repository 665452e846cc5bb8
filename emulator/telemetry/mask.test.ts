import { describe, expect, it } from 'vitest';
import { createMasker } from './mask.ts';

function masked(text: string, ...values: string[]): string {
  return createMasker(() => values)(text);
}

describe('createMasker', () => {
  it.each([
    ['every occurrence', 'a hunter2-hunter2 b hunter2-hunter2', ['hunter2-hunter2'], 'a ******** b ********'],
    ['nothing when there are no secrets', 'text', [], 'text'],
    ['nothing short', 'true and 1234567', ['true', '1234567'], 'true and 1234567'],
    ['8 characters', '12345678', ['12345678'], '********'],
    ['characters that mean something in patterns', 'x a.*+?(b)|[c]$^\\ y', ['a.*+?(b)|[c]$^\\'], 'x ******** y'],
    ['only the value itself', 'a-b*c-d-e', ['a.b.c.d.e'], 'a-b*c-d-e'],
    ['the longer one whole', 'secret-one-long', ['secret-one', 'secret-one-long'], '********'],
    ['the lines of a value with several', 'got line-two-of-it', ['line-one-of-it\nline-two-of-it\n'], 'got ********'],
    ['the JSON spelling', '{"a":"with\\"quote\\\\s"}', ['with"quote\\s'], '{"a":"********"}'],
    ['not blanks', `a${' '.repeat(9)}b`, [' '.repeat(9)], `a${' '.repeat(9)}b`],
  ])('hides %s', (_, text, values, expected) => {
    expect(masked(text, ...values)).toBe(expected);
  });

  it('follows changes of the secrets', () => {
    let values = ['first-value'];
    const mask = createMasker(() => values);
    expect(mask('first-value second-value')).toBe('******** second-value');
    values = ['second-value'];
    expect(mask('first-value second-value')).toBe('first-value ********');
  });
});
