import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonCheck } from './json.ts';

function isJson(text: string, cuts: readonly number[] = []): boolean {
  const bytes = Buffer.from(text);
  const check = new JsonCheck();
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    const next = Math.max(at, Math.min(cut, bytes.length));
    if (!check.push(bytes.subarray(at, next))) return false;
    at = next;
  }
  return check.end();
}

function canParse(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const pieces = fc.constantFrom(
  ...['{', '}', '[', ']', ',', ':', '"', '\\', ' ', '\n', '\u00a0', '\0', '-', '+', '.', '0', '1', '9', 'e', 'E', 'a'],
  ...['"a"', '"a":', '1', 'true', 'false', 'null', 'nul', 'NaN', '\\u12aF', '\\n', '\\x', '"\\"', '1.5e-3', 'ü', '\t'],
);
const texts = fc.array(pieces, { maxLength: 8 }).map((parts) => parts.join(''));
/** JSON in which a piece may be missing or replaced. */
const spoiled = fc
  .tuple(fc.json(), fc.nat(), fc.nat({ max: 2 }), fc.option(pieces, { nil: '' }))
  .map(([json, at, length, piece]) => {
    const from = at % (json.length + 1);
    return json.slice(0, from) + piece + json.slice(from + length);
  });
const cuts = fc.array(fc.nat({ max: 40 })).map((places) => places.sort((a, b) => a - b));

describe('JsonCheck', () => {
  it('accepts what JSON.parse accepts, however the text is split into pieces', () => {
    const same = (text: string, places: readonly number[]): void =>
      void expect(isJson(text, places), text).toBe(canParse(text));
    fc.assert(fc.property(fc.json(), cuts, same), { numRuns: 500 });
    fc.assert(fc.property(spoiled, cuts, same), { numRuns: 5_000 });
    fc.assert(fc.property(texts, cuts, same), { numRuns: 5_000 });
  });

  it.each([
    '',
    ' ',
    '0',
    '-0',
    '01',
    '-',
    '1.',
    '.5',
    '1e',
    '1e+',
    '1E5',
    '[1,]',
    '[,1]',
    '{"a":1,}',
    '{"a"}',
    '"\\u12"',
  ])('judges %j as JSON.parse does', (text) => expect(isJson(text)).toBe(canParse(text)));

  it('follows lists and objects of any depth', () => {
    const deep = 100_000;
    expect(isJson(`${'[{"a":'.repeat(deep)}1${'}]'.repeat(deep)}`)).toBe(true);
    expect(isJson(`${'[{"a":'.repeat(deep)}1${']}'.repeat(deep)}`)).toBe(false);
    expect(isJson('['.repeat(deep))).toBe(false);
  });
});
