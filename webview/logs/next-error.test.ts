import { expect, it } from 'vitest';
import { nextError } from './next-error.ts';
import { itemOf, row } from './testing/rows.ts';

const errors = new Set([2, 5, 6]);
const items = Array.from({ length: 9 }, (_, seq) => itemOf(row(seq, { kind: errors.has(seq) ? 'error' : 'line' })));

it.each([
  ['the next one', 2, 'newer', 5],
  ['the previous one', 5, 'older', 2],
  ['no further one', 6, 'newer', undefined],
  ['no earlier one', 2, 'older', undefined],
  ['the last one before the end, without a selection', undefined, 'older', 6],
  ['the first one, without a selection', undefined, 'newer', 2],
  ['none before the first line', 0, 'older', undefined],
] as const)('finds %s', (_title, from, where, expected) => {
  expect(nextError(items, from === undefined ? undefined : items[from], where)).toBe(expected);
});

it('does not take a warning or a detail for an error', () => {
  const others = [
    itemOf(row(1, { kind: 'warning' })),
    { kind: 'detail', key: 'detail', detail: { text: 'error', place: null, isApp: true } } as const,
  ];
  expect(nextError(others, undefined, 'newer')).toBeUndefined();
});
