import { expect, it } from 'vitest';
import { createRunNames } from './run-names.ts';

it('the names of the latest runs are known, and those of runs that have a runner', () => {
  const names = createRunNames([['earlier', 'painter']], (alias) => alias === 'lives');
  expect(names.of('earlier')).toBe('painter');
  names.set('lives', 'hello');
  for (let n = 0; n < 3_000; n++) names.set(`${n}`, 'hello');
  expect(['lives', '2999', '0', 'earlier'].map(names.of)).toEqual(['hello', 'hello', undefined, undefined]);
});
