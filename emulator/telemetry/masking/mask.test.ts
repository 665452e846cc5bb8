import { describe, expect, it } from 'vitest';
import { createMask } from './mask.ts';

function masked(text: string, ...values: string[]): string {
  return createMask(() => values)(text);
}

describe('createMask', () => {
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
    ['the JSON spelling in ASCII', '{"a":"schl\\u00fcssel-1"}', ['schlüssel-1'], '{"a":"********"}'],
    ["Python's repr of both quotes", `'it\\'s "quoted" so'`, [`it's "quoted" so`], "'********'"],
    ["Python's repr of control characters", "'tab\\tand\\x1bescape'", ['tab\tand\x1bescape'], "'********'"],
    [
      'the percent-encoded spelling',
      'GET /?key=a%2Fb%20c%2Bd%3D HTTP/1.1',
      ['a/b c+d='],
      'GET /?key=******** HTTP/1.1',
    ],
    ['the spelling of a form', 'key=a%2Fb+c%2Bd%3D&x', ['a/b c+d='], 'key=********&x'],
    ['the spelling of a path', '/a/b%20c%2Bd%3D/x', ['a/b c+d='], '/********/x'],
    ['JSON in JSON', '"{\\"a\\":\\"with\\\\\\"quote\\\\\\\\s\\"}"', ['with"quote\\s'], '"{\\"a\\":\\"********\\"}"'],
    ['not blanks', `a${' '.repeat(9)}b`, [' '.repeat(9)], `a${' '.repeat(9)}b`],
  ])('hides %s', (_, text, values, expected) => {
    expect(masked(text, ...values)).toBe(expected);
  });

  it.each([1_001, 32_767, 120_000])('hides a value of %d characters, and others next to it', (length) => {
    const long = Array.from({ length }, (_, n) => (n * 7919).toString(36))
      .join('')
      .slice(0, length);
    const values = [long, `${long}-and-more`, 'hunter2-hunter2'];
    expect(masked(`x ${long}-and-more y ${long} z hunter2-hunter2`, ...values)).toBe(
      'x ******** y ******** z ********',
    );
  });

  it('follows changes of the secrets', () => {
    let values = ['first-value'];
    const mask = createMask(() => values);
    expect(mask('first-value second-value')).toBe('******** second-value');
    values = ['second-value'];
    expect(mask('first-value second-value')).toBe('first-value ********');
  });

  it('follows values that become known after the first text, and keeps held ones', () => {
    const mask = createMask();
    mask.hold(['held-value']);
    expect(mask('held-value first-value')).toBe('******** first-value');
    let values = ['first-value'];
    mask.follow(() => values);
    expect(mask('held-value first-value')).toBe('******** ********');
    values = [];
    expect(mask('held-value first-value')).toBe('******** first-value');
  });

  it('keeps hiding values as long as they are held', () => {
    let values = ['first-value'];
    const mask = createMask(() => values);
    const releases = [mask.hold(['first-value', 'short']), mask.hold(['first-value'])];
    values = ['second-value'];
    expect(mask('first-value second-value short')).toBe('******** ******** short');
    releases[0]?.();
    releases[0]?.();
    expect(mask('first-value')).toBe('********');
    releases[1]?.();
    expect(mask('first-value second-value')).toBe('first-value ********');
  });
});
