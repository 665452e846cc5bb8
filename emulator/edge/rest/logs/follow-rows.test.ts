import { expect, it } from 'vitest';
import { waitOf } from './follow-rows.ts';

it.each([
  { rows: 1, sinceReadMs: 5_000, wait: 15, why: 'after a rest, only lines of one print wait for each other' },
  { rows: 1, sinceReadMs: 20, wait: 30, why: 'a few rows come every 50 ms' },
  { rows: 50, sinceReadMs: 10, wait: 65, why: 'many rows come every 75 ms' },
  { rows: 50, sinceReadMs: 50, wait: 25, why: 'a slow read is part of the 75 ms' },
  { rows: 50, sinceReadMs: 300, wait: 15, why: 'a read that took longer adds no further wait' },
])('waits $wait ms: $why', ({ rows, sinceReadMs, wait }) => {
  expect(waitOf(rows, sinceReadMs)).toBe(wait);
});
