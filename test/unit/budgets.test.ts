import { expect, it } from 'vitest';
import { median } from '../editor/budgets/figure.ts';

it('has no median of measurements of which one is missing', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([3, Number.NaN, 2])).toBeNaN();
  expect(median([])).toBeNaN();
});
