import { expect, it } from 'vitest';
import { createHeights } from './heights.ts';

it('finds the line at a distance from the top, also among lines of other heights', () => {
  const heights = createHeights(18);
  heights.setLines([{ key: 'a' }, { key: 'b' }, { key: 'c' }, { key: 'd' }]);
  expect([heights.total(), heights.top(2), heights.at(0), heights.at(35), heights.at(36), heights.at(999)]).toEqual([
    72, 36, 0, 1, 2, 3,
  ]);
  expect(heights.measure([['b', 54]])).toBe(true);
  expect(heights.measure([['b', 54]])).toBe(false);
  expect([heights.total(), heights.top(2), heights.at(36), heights.at(72)]).toEqual([108, 72, 1, 2]);
  heights.setLines([{ key: 'b' }, { key: 'c' }]);
  expect(heights.total()).toBe(72);
  heights.forget();
  expect(heights.total()).toBe(36);
});

it('has no line when it is empty', () => {
  const heights = createHeights(18);
  expect([heights.total(), heights.at(100)]).toEqual([0, 0]);
});
