import { expect, it } from 'vitest';
import type { Row } from '../host.ts';
import { edgeOf, type Held, marksOf, maxHeld, nothing, withRows } from './held.ts';
import { rows } from './testing/rows.ts';

const range = ({ rows: held }: Held) => [held.length, held[0]?.seq, held.at(-1)?.seq];
const full: Held = { rows: rows(1_001, 1_000 + maxHeld), before: 1_001, isEnd: true };
const message = (where: 'reset' | 'older' | 'newer' | 'live', some: readonly Row[], before: number | null = null) => ({
  ...{ where, rows: some, before },
  isEnd: where === 'live',
});

it('keeps the newest rows while it follows, and continues where the dropped ones were', () => {
  const held = withRows(full, message('live', rows(3_001, 3_010)), true);
  expect(range(held)).toEqual([maxHeld, 1_011, 3_010]);
  expect(held).toMatchObject({ before: 1_011, isEnd: true });
});

it('keeps what a reader looks at who has scrolled up, and has new rows when they return', () => {
  const held = withRows(full, message('live', rows(3_001, 3_010)), false);
  expect(range(held)).toEqual([maxHeld, 1_001, 3_000]);
  expect(held.isEnd).toBe(false);
  expect(withRows(held, message('live', rows(3_011, 3_020)), false)).toBe(held);
});

it('drops the newest rows for older ones', () => {
  const held = withRows(full, message('older', rows(901, 1_000), 901), false);
  expect(range(held)).toEqual([maxHeld, 901, 2_900]);
  expect(held).toMatchObject({ before: 901, isEnd: false });
});

it('has no row twice when an answer and the stream overlap', () => {
  const held = withRows(nothing, message('reset', rows(1, 10)), true);
  const end = { ...held, isEnd: true };
  expect(range(withRows(end, message('live', rows(8, 12)), true))).toEqual([12, 1, 12]);
  expect(range(withRows(end, message('newer', rows(9, 11)), true))).toEqual([11, 1, 11]);
  expect(range(withRows({ ...end, rows: rows(5, 10) }, message('older', rows(1, 6)), true))).toEqual([10, 1, 10]);
});

it('knows where rows continue that it does not hold', () => {
  const held: Held = { rows: rows(10, 20), before: 10, isEnd: false };
  expect([edgeOf(held, 'older'), edgeOf(held, 'newer')]).toEqual([10, 20]);
  expect(edgeOf({ ...held, isEnd: true }, 'newer')).toBeNull();
  expect([edgeOf(nothing, 'older'), edgeOf(nothing, 'newer')]).toEqual([null, null]);
});

it('shows marks after its last row only at the end of the log', () => {
  const marks = [12, 25].map((at) => ({ at, text: `mark ${at}` }));
  const held: Held = { rows: rows(10, 20), before: 10, isEnd: false };
  expect(marksOf(held, marks)).toEqual(marks.slice(0, 1));
  expect(marksOf({ ...held, isEnd: true }, marks)).toEqual(marks);
});
