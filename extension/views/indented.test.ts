import { expect, it } from 'vitest';
import { indented } from './indented.ts';

it('shows numbers of a JSON text as they are written', () => {
  expect(indented('{"seed":18446744073709551615,"x":1.0}', 100)).toBe(
    '{\n  "seed": 18446744073709551615,\n  "x": 1.0\n}',
  );
});

it.each([{}, [], null, 'a "b" \\ {,:}', [[], {}, [{}]], { a: { b: [1, { c: 'ü🐈\u2028\n' }], d: true }, 'e:': [] }])(
  'indents %j as JavaScript does',
  (value) => {
    expect(indented(JSON.stringify(value), 1_000)).toBe(JSON.stringify(value, null, 2));
  },
);

it('indents a long text', () => {
  const long = JSON.stringify({ image: 'A'.repeat(4_000_000), n: Array.from({ length: 100_000 }, (_, n) => n) });
  expect(indented(long, 10_000_000)?.length).toBeGreaterThan(long.length);
});

it('indents a text with millions of escapes', () => {
  const long = `["${'\\n'.repeat(6_000_000)}\\\\",1.0,"\\""]`;
  expect(indented(long, 20_000_000)).toBe(
    long
      .replace('[', '[\n  ')
      .replaceAll(/(?<=["0]),/g, ',\n  ')
      .replace(/]$/, '\n]'),
  );
});

it('does not indent a text that becomes too long, which one with many levels does soon', () => {
  expect(indented('[1,2]', 12)).toBe('[\n  1,\n  2\n]');
  expect(indented('[1,2]', 11)).toBeUndefined();
  expect(indented(`${'['.repeat(200_000)}${']'.repeat(200_000)}`, 1_000_000)).toBeUndefined();
});
