import { expect, it } from 'vitest';
import type { Row } from '../host.ts';
import { type Item, itemsOf } from './items.ts';

const row = (seq: number, text: string, change: Partial<Row> = {}): Row => ({
  ...{ seq, at: seq * 1_000, kind: 'line', text, alias: 'a', runnerId: 'r1', requestId: 'q1', phase: '' },
  ...{ place: null, details: [] },
  ...change,
});
const shown = (items: readonly Item[]) =>
  items.map((item) => {
    if (item.kind === 'row') return `${item.isOpen === null ? '' : item.isOpen ? 'v ' : '> '}${item.row.text}`;
    if (item.kind === 'detail') return `  ${item.detail.text.trim()}`;
    return item.kind === 'mark' ? `- ${item.mark.text}` : 'date';
  });
const printed = [
  'Traceback (most recent call last):',
  '  File "/app/painter.py", line 38, in fast',
  '    self.load()',
  '  File "/env/lib/python3.11/site-packages/torch/load.py", line 7, in load',
  '    raise ValueError("no weights")',
  'ValueError: no weights',
].map((text, index) => row(index + 1, text));

it('folds a printed traceback to what was raised, at the line of the app', () => {
  const [first, ...others] = itemsOf([...printed, row(7, 'next')], [], new Set());
  expect(first).toMatchObject({ row: { text: 'ValueError: no weights', kind: 'error' }, lines: 6, isOpen: false });
  expect(first?.kind === 'row' && first.row.place).toEqual({
    file: '/app/painter.py',
    line: 38,
    label: 'painter.py:38',
  });
  expect(shown(others)).toEqual(['next']);
});

it('folds it without its first line, too, which has a lower level', () => {
  expect(shown(itemsOf(printed.slice(1), [], new Set()))).toEqual(['> ValueError: no weights']);
});

it('unfolds it to its lines, each with its place', () => {
  const items = itemsOf(printed, [], new Set(['row 1']));
  expect(shown(items)).toHaveLength(7);
  expect(items[2]).toMatchObject({ detail: { isApp: true, place: { line: 38 } } });
  expect(items[4]).toMatchObject({ detail: { isApp: false, place: { line: 7 } } });
});

it('has the number of lines of any traceback, not of a message in several lines', () => {
  const detail = (line: number | null) => ({
    text: 'x',
    place: line === null ? null : { file: '/app/a.py', line, label: '' },
    isApp: false,
  });
  const rows = [
    row(1, "KeyError: 'style'", { kind: 'error', details: [detail(null), detail(7), detail(3)] }),
    row(2, 'one', { kind: 'error', details: [detail(null), detail(null)] }),
  ];
  expect(itemsOf(rows, [], new Set())).toMatchObject([{ lines: 3 }, { lines: 1 }]);
});

const group = [
  '  + Exception Group Traceback (most recent call last):',
  '  |   File "/app/painter.py", line 12, in draw',
  '  |   File "/usr/lib/python3.11/asyncio/taskgroups.py", line 145, in __aexit__',
  '  |     raise me from None',
  '  | ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)',
  '  +-+---------------- 1 ----------------',
  '    | Traceback (most recent call last):',
  '    |   File "/app/painter.py", line 38, in fast',
  "    | KeyError: 'style'",
  '    +---------------- 2 ----------------',
  '    | Traceback (most recent call last):',
  '    |   File "/app/painter.py", line 51, in slow',
  '    | ValueError: too large',
  '    +------------------------------------',
].map((text, index) => row(index + 1, text));

it('folds an exception group to one line, at the line of its first exception', () => {
  const items = itemsOf([row(0, 'before'), ...group, row(15, 'after')], [], new Set());
  const text = 'ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)';
  expect(shown(items)).toEqual(['before', `> ${text}`, 'after']);
  expect(items[1]).toMatchObject({ lines: 14, row: { kind: 'error', place: { line: 38 } } });
  const unfolded = itemsOf(group, [], new Set(['row 1']));
  expect(unfolded[8]).toMatchObject({ detail: { isApp: true, place: { line: 38 } } });
});

it('keeps the key of an exception group while its lines arrive, and takes no table for one', () => {
  for (const count of [1, 3, 5, 9]) expect(itemsOf(group.slice(0, count), [], new Set())[0]?.key).toBe('row 1');
  const table = ['  +---+---+', '  | a | b |', '  +---+---+'].map((text, index) => row(index, text));
  expect(itemsOf(table, [], new Set())).toHaveLength(3);
});

const because = 'During handling of the above exception, another exception occurred:';
const chain = [
  ...printed.map(({ text }) => text),
  ...['', because, ''],
  'Traceback (most recent call last):',
  '  File "/app/painter.py", line 51, in slow',
  'RuntimeError: cannot draw',
].map((text, index) => row(index + 1, text));

it('folds a chain of exceptions to one line, at the line of the last', () => {
  const items = itemsOf([row(0, 'before'), ...chain, row(13, ''), row(14, 'after')], [], new Set());
  expect(shown(items)).toEqual(['before', '> RuntimeError: cannot draw', '', 'after']);
  expect(items[1]).toMatchObject({ lines: 12, row: { kind: 'error', place: { line: 51 } } });
  const withoutEmpty = chain.filter(({ text }) => text !== '');
  expect(shown(itemsOf(withoutEmpty, [], new Set()))).toEqual(['> RuntimeError: cannot draw']);
  for (const count of [2, 6, 8, 9, 11]) expect(itemsOf(chain.slice(0, count), [], new Set())[0]?.key).toBe('row 1');
});

it('takes no other request into a chain', () => {
  const others = chain.slice(6).map((one) => ({ ...one, requestId: 'q2' }));
  const items = itemsOf([...printed, ...others], [], new Set());
  expect(shown(items)).toEqual(['> ValueError: no weights', '', because, '', '> RuntimeError: cannot draw']);
});

it('does not take lines of another request into a traceback', () => {
  const other = row(3, '  indented', { requestId: 'q2' });
  expect(shown(itemsOf([...printed.slice(0, 2), other], [], new Set()))).toEqual([
    '> File "/app/painter.py", line 38, in fast',
    '  indented',
  ]);
});

it('keeps the key of a traceback while its lines arrive', () => {
  const keys = [2, 4, 6].map((count) => itemsOf(printed.slice(0, count), [], new Set())[0]?.key);
  expect(new Set(keys).size).toBe(1);
});

it('puts marks and dates between rows by time', () => {
  const day = 24 * 3_600_000;
  const rows = [row(1, 'first'), row(2, 'second', { at: 2_000 + 2 * day })];
  const marks = [
    { at: 10 * day, text: 'ended' },
    { at: 1_500, text: 'started' },
  ];
  expect(shown(itemsOf(rows, marks, new Set()))).toEqual(['first', '- started', 'date', 'second', '- ended']);
});

it('takes the items of the same rows from the list before, and only those', () => {
  const rows = [row(1, 'one'), ...printed.map((one, index) => row(index + 2, one.text)), row(8, 'last')];
  const detail = { text: 'more', place: null, isApp: false };
  const long = row(9, 'long', { details: [detail] });
  const was = itemsOf([...rows, long], [{ at: 0, text: 'mark' }], new Set(['row 9']));
  const next = itemsOf([row(0, 'zero'), ...rows, long, row(10, 'new')], [], new Set(), was);
  expect(next).toEqual(itemsOf([row(0, 'zero'), ...rows, long, row(10, 'new')], [], new Set()));
  expect(next.map((item) => was.includes(item))).toEqual([false, true, false, true, false, false]);
  // Another log, whose numbers begin again.
  expect(itemsOf([row(1, 'other')], [], new Set(), was)).toEqual(itemsOf([row(1, 'other')], [], new Set()));
});

it('folds a traceback whose first row was an item of its own', () => {
  const [first] = printed;
  const was = itemsOf(first ? [first] : [], [], new Set());
  expect(shown(itemsOf(printed, [], new Set(), was))).toEqual(['> ValueError: no weights']);
});
