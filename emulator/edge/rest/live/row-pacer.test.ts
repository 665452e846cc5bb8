import { expect, it } from 'vitest';
import { createRowPacer } from './row-pacer.ts';

const pacer = () => createRowPacer<string>({ settleMs: 0, firstRestMs: 100, maxRestMs: 1_000, maxAtOnce: 3 });

it('takes a row that changes now and then at once', () => {
  const rows = pacer();
  expect([rows.dueAt(), rows.take(0)]).toEqual([undefined, []]);
  for (const now of [0, 150, 1_000]) {
    rows.touch('a', now);
    expect([rows.dueAt(), rows.take(now)]).toEqual([now, ['a']]);
  }
});

it('takes a row that keeps changing less and less often, and its last change without another one', () => {
  const rows = pacer();
  const taken: number[] = [];
  for (let now = 0; now <= 5_000; now += 10) {
    if (now <= 3_000) rows.touch('a', now);
    if (rows.take(now).length > 0) taken.push(now);
  }
  expect(taken).toEqual([0, 100, 300, 700, 1_500, 2_500, 3_500]);
  expect(rows.dueAt()).toBeUndefined();
});

it('takes many rows in parts, and knows when the next one is due', () => {
  const rows = pacer();
  for (const row of ['a', 'b', 'c', 'd', 'e']) rows.touch(row, 0);
  expect([rows.size(), rows.take(0), rows.take(0)]).toEqual([5, ['a', 'b', 'c'], ['d', 'e']]);
  rows.touch('d', 50);
  expect([rows.dueAt(), rows.take(50), rows.take(100)]).toEqual([100, [], ['d']]);
});

it('takes a row as it is after what belongs together, not in the middle of it', () => {
  const rows = createRowPacer<string>({ settleMs: 15, firstRestMs: 100, maxRestMs: 1_000, maxAtOnce: 3 });
  rows.touch('a', 0);
  rows.touch('a', 10);
  expect([rows.dueAt(), rows.isDue(14), rows.take(14)]).toEqual([15, false, []]);
  expect([rows.isDue(15), rows.take(15)]).toEqual([true, ['a']]);
  rows.touch('b', 20);
  expect(rows.take(20, { all: true })).toEqual(['b']);
});

it('takes rows that keep changing together with another one, once they have rested for half of their time', () => {
  const rows = pacer();
  rows.touch('a', 0);
  rows.take(0);
  rows.touch('a', 10);
  expect([rows.isDue(40), rows.take(40, { early: true }), rows.dueAt()]).toEqual([false, [], 100]);
  expect(rows.take(50, { early: true })).toEqual(['a']);
  rows.touch('a', 60);
  expect([rows.take(149, { early: true }), rows.take(150, { early: true })]).toEqual([[], ['a']]);
  // One that was quiet is sent at once all the same.
  expect(rows.take(400, { early: true })).toEqual([]);
  rows.touch('a', 560);
  expect(rows.take(560)).toEqual(['a']);
});
