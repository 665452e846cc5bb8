import { expect, it } from 'vitest';
import { rowsOfKey } from './rows-of-key.ts';

const rows = ['a', 'b', 'c'].map((rowId) => ({ rowId }));
type One = (typeof rows)[number];

/** A list whose focus is on a row, as the editor has it. */
function list(focused: string, ...selected: readonly string[]) {
  const find = (id: string) => rows.find(({ rowId }) => rowId === id) as One;
  const view = {
    selection: selected.map(find),
    reveal: async (one: One) => {
      view.selection = [one];
    },
  };
  const toggle = async () => {
    const one = find(focused);
    const has = view.selection.includes(one);
    view.selection = has ? view.selection.filter((other) => other !== one) : [...view.selection, one];
  };
  return { view, toggle, selection: () => view.selection.map(({ rowId }) => rowId) };
}

it.each([
  { what: 'the focused row, if none is selected', focused: 'b', selected: [], acts: ['b'], after: ['b'] },
  { what: 'the focused row, if another one is selected', focused: 'b', selected: ['a'], acts: ['b'], after: ['b'] },
  { what: 'the selected row that has the focus', focused: 'b', selected: ['b'], acts: ['b'], after: ['b'] },
  {
    what: 'all selected rows, if one of them has the focus',
    focused: 'c',
    selected: ['a', 'b', 'c'],
    acts: ['c', 'a', 'b'],
    after: ['a', 'b', 'c'],
  },
])('acts on $what', async ({ focused, selected, acts, after }) => {
  const { view, toggle, selection } = list(focused, ...selected);
  expect((await rowsOfKey(view, toggle)).map(({ rowId }) => rowId)).toEqual(acts);
  expect(selection().toSorted()).toEqual(after);
});

it('acts on what is selected if the list does not answer', async () => {
  const { view } = list('b', 'a');
  expect(await rowsOfKey(view, async () => undefined)).toEqual(view.selection);
});
