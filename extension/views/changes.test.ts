import { describe, expect, it } from 'vitest';
import { changedRows } from './changes.ts';
import type { Row } from './items.ts';

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

describe('what the tree asks for again', () => {
  const tree = (age: string, ...more: readonly Row[]) => [
    row('app', '', [row('revision', '', [row('runner', age), ...more])]),
  ];

  it('is nothing when nothing changed', () => {
    expect(changed(tree('1'), tree('1'))).toEqual([]);
  });
  it('is the one row that looks different, however deep', () => {
    expect(changed(tree('1'), tree('2'))).toEqual(['runner']);
  });
  it('is a row whose children came, went or moved', () => {
    expect(changed(tree('1'), tree('1', row('second')))).toEqual(['revision']);
    expect(changed(tree('1', row('second')), tree('2'))).toEqual(['revision']);
  });
  it('is a row and one below it, when both look different', () => {
    expect(changed([row('a', '1', [row('b', '1')])], [row('a', '2', [row('b', '2')])])).toEqual(['a', 'b']);
  });
  it('is all when apps came or went', () => {
    expect(changed([], tree('1'))).toEqual([undefined]);
    expect(changed(tree('1'), [])).toEqual([undefined]);
  });
});
