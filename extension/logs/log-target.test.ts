import { expect, it } from 'vitest';
import { logRowOf, logTargetOf } from './log-target.ts';

it.each([
  ['an app', { rowId: 'app/painter', alias: 'painter', id: 'rev' }, { alias: 'painter' }],
  ['a runner', { rowId: 'runner/r1', runner: 'r1', alias: 'painter', id: 'r1' }, { runnerId: 'r1' }],
  ['a request', { rowId: 'request/38', request: 38, alias: 'painter', id: 'q1' }, { requestId: 'q1' }],
])('takes the row of %s', (_, row, target) => {
  expect(logTargetOf(row)).toEqual(target);
});

it('takes what commands pass, and asks for anything else', () => {
  expect(logTargetOf({ requestId: 'q1' })).toEqual({ requestId: 'q1' });
  expect(logTargetOf({ runnerId: 'r1' })).toEqual({ runnerId: 'r1' });
  expect([undefined, null, 'x', {}, { request: 'x' }].map(logTargetOf)).toEqual(Array(5).fill(undefined));
});

it('takes the row at which the log is to be shown', () => {
  expect([{ requestId: 'q1', at: 7 }, { at: 0 }, { at: 1.5 }, { at: '7' }, {}, null, 'x'].map(logRowOf)).toEqual([
    7,
    ...Array(6).fill(null),
  ]);
});
