import { describe, expect, it } from 'vitest';
import { changedRows, isSame } from './changes.ts';
import type { Row } from './row.ts';

const row = (id: string, description = '', children: readonly Row[] = []): Row => ({
  id,
  kind: 'app',
  label: id,
  description,
  icon: 'x',
  facts: [],
  spoken: '',
  children,
});
const changed = (before: readonly Row[], after: readonly Row[]) => [...changedRows(before, after)];

describe('the rows to refresh', () => {
  const tree = (age: string, ...more: readonly Row[]) => [
    row('app', '', [row('revision', '', [row('runner', age), ...more])]),
  ];

  it('are none if nothing changed', () => {
    expect(changed(tree('1'), tree('1'))).toEqual([]);
  });
  it('include only the row that looks different, at any depth', () => {
    expect(changed(tree('1'), tree('2'))).toEqual(['runner']);
  });
  it('include a row whose children were added, removed or reordered', () => {
    expect(changed(tree('1'), tree('1', row('second')))).toEqual(['revision']);
    expect(changed(tree('1', row('second')), tree('2'))).toEqual(['revision']);
  });
  it('include a row and its child if both look different', () => {
    expect(changed([row('a', '1', [row('b', '1')])], [row('a', '2', [row('b', '2')])])).toEqual(['a', 'b']);
  });
  it('include the whole tree if apps were added or removed', () => {
    expect(changed([], tree('1'))).toEqual([undefined]);
    expect(changed(tree('1'), [])).toEqual([undefined]);
  });
});

it('compares plain data by its content', () => {
  const a = { list: [1, { b: 'x' }], none: undefined, empty: null };
  expect(isSame(a, structuredClone(a))).toBe(true);
  for (const other of [
    { ...a, list: [1, { b: 'y' }] },
    { ...a, list: [1] },
    { ...a, empty: {} },
    { ...a, more: 1 },
    { ...a, list: { 0: 1, 1: { b: 'x' } } },
    undefined,
  ]) {
    expect([other, isSame(a, other), isSame(other, a)]).toEqual([other, false, false]);
  }
});
