import { expect, it } from 'vitest';
import { age } from './age.ts';

it.each([
  [-5, 1, '0 s'],
  [89_999, 1, '89 s'],
  [90_000, 1, '2 min'],
  [5_400_000, 1, '1.5 h'],
  [1_000, 60, '60 s (x60)'],
  [5_000, 60, '5 min (x60)'],
  [100_000, 60, '1.7 h (x60)'],
  [1_000, 1.5, '1 s (x1.5)'],
])('describes %i ms at %d times the speed as %s', (ms, timeScale, text) => {
  expect(age(ms, timeScale)).toBe(text);
});
