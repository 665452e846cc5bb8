import { expect, it } from 'vitest';
import { keyAction } from './keys.ts';
import { itemOf, row } from './testing/rows.ts';

const place = { file: '/w/app.py', line: 38, label: 'app.py:38' };
const plain = { altKey: false, ctrlKey: false, metaKey: false };
const press = (key: string, selected?: ReturnType<typeof itemOf>, held: Partial<typeof plain> = {}) =>
  keyAction({ key, ...plain, ...held }, { selected, at: 40, page: 12 });

it.each([
  ['ArrowUp', { kind: 'select', index: 39 }],
  ['ArrowDown', { kind: 'select', index: 41 }],
  ['PageUp', { kind: 'select', index: 28 }],
  ['PageDown', { kind: 'select', index: 52 }],
  ['Home', { kind: 'select', index: 0 }],
  ['End', { kind: 'toEnd' }],
  ['n', { kind: 'toError', where: 'newer' }],
  ['p', { kind: 'toError', where: 'older' }],
  ['c', { kind: 'copy', hasPrefix: false }],
  ['C', { kind: 'copy', hasPrefix: true }],
  ['Escape', { kind: 'leave' }],
  ['a', undefined],
  ['Tab', undefined],
])('%s', (key, expected) => {
  expect(press(key)).toEqual(expected);
});

it('opens the place of a line with Enter, or unfolds it', () => {
  expect(press('Enter', itemOf(row(1, { place })))).toEqual({ kind: 'openPlace', place });
  expect(press('Enter', itemOf(row(1), false))).toEqual({ kind: 'toggle' });
});

it('unfolds and folds with the arrows, only what is not so yet', () => {
  const keys = ['ArrowRight', 'ArrowLeft'];
  const toggle = { kind: 'toggle' };
  expect(keys.map((key) => press(key, itemOf(row(1), false)))).toEqual([toggle, null]);
  expect(keys.map((key) => press(key, itemOf(row(1), true)))).toEqual([null, toggle]);
  expect(keys.map((key) => press(key, itemOf(row(1))))).toEqual([null, null]);
});

it("leaves the editor's key bindings alone", () => {
  expect(press('c', undefined, { ctrlKey: true })).toBeUndefined();
  expect(press('n', undefined, { metaKey: true })).toBeUndefined();
  expect(press('ArrowUp', undefined, { altKey: true })).toBeUndefined();
  expect(press('End', undefined, { ctrlKey: true })).toEqual({ kind: 'toEnd' });
});
