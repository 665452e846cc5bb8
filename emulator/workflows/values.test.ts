import { expect, it } from 'vitest';
import { readValue } from './values.ts';

const mebibyte = 1024 ** 2;
const read = (text: string) => readValue(Buffer.from(text));
const numbers = (count: number) => `[${'1,'.repeat(count - 1)}1]`;

it.each([
  ['a small value', '{"a": [1, "ä"]}'],
  ['one long text', JSON.stringify({ image: 'A'.repeat(10 * mebibyte) })],
  ['many values', numbers(90_000)],
])('reads %s', async (_, text) => {
  expect(await read(text)).toEqual({ kind: 'value', value: JSON.parse(text) });
});

it.each([
  ['more bytes than it takes', `"${'A'.repeat(16 * mebibyte)}"`, /16777216 bytes/],
  ['more values than it takes', numbers(100_001), /100000 values/],
  ['more keys than it takes', JSON.stringify(Object.fromEntries(numbered(60_000))), /100000 values/],
  ['more lists than it takes, though they never end', '['.repeat(mebibyte), /100000 values/],
])('refuses %s', async (_, text, problem) => {
  expect(await read(text)).toEqual({ kind: 'too much', problem: expect.stringMatching(problem) });
});

it.each([
  ['text', 'no'],
  ['long text', 'n'.repeat(mebibyte)],
  ['a cut one', numbers(90_000).slice(0, -1)],
])('takes %s for no JSON', async (_, text) => {
  expect(await read(text)).toEqual({ kind: 'no JSON' });
});

it('skips a byte order mark', async () => {
  for (const text of ['[1]', numbers(90_000)])
    expect(await read(`\ufeff${text}`)).toEqual({ kind: 'value', value: JSON.parse(text) });
});

it('treats bytes that are not UTF-8 as not JSON', async () => {
  expect(await readValue(Uint8Array.of(0x22, 0xff, 0x22))).toEqual({ kind: 'no JSON' });
});

it('does not block the event loop while it reads a large value', async () => {
  let turns = 0;
  let isOver = false;
  const next = (): void => {
    turns += 1;
    if (!isOver) setImmediate(next);
  };
  next();
  await read(JSON.stringify({ image: 'A'.repeat(4 * mebibyte) }));
  isOver = true;
  expect(turns).toBeGreaterThan(50);
});

function numbered(count: number): [string, number][] {
  return Array.from({ length: count }, (_, n) => [`key ${n}`, n]);
}
