import { expect, it } from 'vitest';
import { maxHeld } from './held.ts';
import { createNames, markName, runnerName } from './names.ts';
import { row } from './testing/rows.ts';

it('names runners and requests by their numbers, and nothing that it does not know', () => {
  const names = createNames();
  names.add({ runners: { a: 2 }, requests: { b: 38 } }, []);
  expect([names.runner('a'), names.request('b'), names.runner('b'), names.request('a')]).toEqual(['r2', '#38', '', '']);
});

it('names the runner of an audit so, because the first runner of its run has the same number', () => {
  const names = createNames();
  names.add({ runners: { a: 1 }, requests: {} }, []);
  const alias = '984a24a4-7771-441c-87b1-37f3b502f639';
  const named = (of: string, runnerId: string | null) => runnerName({ alias: of, runnerId }, names);
  expect([named(alias, 'a'), named(`${alias}-audit-0a1b2c3d`, 'a'), named(alias, null)]).toEqual(['r1', 'audit', '']);
});

it('names apps as the filters do, and a run that they do not have any more by the beginning of its id', () => {
  const names = createNames();
  const run = '984a24a4-7771-441c-87b1-37f3b502f639';
  expect([names.app('painter'), names.app(run)]).toEqual(['painter', '984a24a4']);
  names.setApps([{ id: run, label: 'studio (run)' }]);
  names.setApps([]);
  expect(names.app(run)).toBe('studio (run)');
});

it('forgets the numbers of rows that the page has dropped, when they are many', () => {
  const names = createNames();
  const numbers = Object.fromEntries(Array.from({ length: 2 * maxHeld }, (_, index) => [`id ${index}`, index]));
  names.add({ runners: {}, requests: numbers }, [row(1, { requestId: 'id 7' })]);
  expect(names.request('id 8')).toBe('#8');
  names.add({ runners: {}, requests: { last: 9_999 } }, [row(1, { requestId: 'id 7' }), row(2, { requestId: 'last' })]);
  expect(['id 7', 'id 8', 'last'].map(names.request)).toEqual(['#7', '', '#9999']);
});

it('names the app and the runner of a mark', () => {
  const names = createNames();
  names.add({ runners: { one: 1 }, requests: {} }, []);
  const run = '5eb90bd8-cccc-4c43-9d4e-5b6f0f7f1a11';
  names.setApps([
    { id: run, label: 'Studio (run)' },
    { id: `${run}-audit-0123abcd`, label: 'audit of Studio (run)' },
  ]);
  expect(markName({ alias: run, runnerId: 'one' }, names)).toBe('Studio (run) · r1');
  expect(markName({ alias: run, runnerId: null }, names)).toBe('Studio (run)');
  expect(markName({ alias: `${run}-audit-0123abcd`, runnerId: 'two' }, names)).toBe('audit of Studio (run)');
});
