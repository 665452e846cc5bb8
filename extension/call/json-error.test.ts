import fc from 'fast-check';
import { expect, it } from 'vitest';
import { brokenLine } from './json-error.ts';

it.each([
  ['{\n  "a": 1,\n  "b": 2\n}\n', undefined],
  ['{\n  "a": 1\n  "b": 2\n}\n', 3],
  ['{\n  "a": 1,\n}\n', 3],
  ['{\n  "a": ,\n  "b": 2\n}\n', 2],
  ['{\n  "a": "no end,\n  "b": 2\n}\n', 2],
  ['{\n  "a": [1, 2,\n  "b": 2\n}\n', 3],
  ["{\n  'a': 1\n}\n", 2],
  ['{\n  "a": True\n}\n', 2],
  ['{\n  "a": 01\n}\n', 2],
  ['{\n  "a": 1\n\n\n', 2],
  ['{\n  "a": 1\n}\n}\n', 4],
  ['{\n  // a comment\n  "a": 1\n}\n', 2],
  ['', 1],
  ['{\n  "a":\u00a01\n}', 2],
  ['{\n  "a": 1\n}\n\u2028', 4],
  ['\ufeff{}', 1],
  ['{\n  "a": "\u0001"\n}', 2],
  [`{\n  "a": "${'x'.repeat(12_000_000)}"\n  "b": 1\n}`, 3],
  [`{\n  "a": "${'\\n'.repeat(6_000_000)}"\n  "b": 1\n}`, 3],
])('finds the line of %.40j', (text, line) => {
  expect(brokenLine(text)).toBe(line);
});

it('finds nothing in JSON, and something in everything else', () => {
  fc.assert(fc.property(fc.json(), (text) => brokenLine(text) === undefined));
  fc.assert(
    fc.property(
      fc.json(),
      fc.nat(),
      fc.constantFrom('', ',', '}', '"', ':', 'x', ' ', '\u00a0', '\v', '\u0000', '\ufeff'),
      (json, at, put) => {
        const cut = at % (json.length + 1);
        const text = json.slice(0, cut) + put + json.slice(cut + 1);
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        return (brokenLine(text) === undefined) === isJson;
      },
    ),
  );
});
