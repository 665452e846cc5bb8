import { expect, it } from 'vitest';
import { splitQuery } from './query.ts';

it.each([
  [{ a: 1, b: 'x' }, [], '', { a: 1, b: 'x' }],
  [
    { a: 'a b&c', on: true, n: 1.5, none: null, rest: 1 },
    ['a', 'on', 'n', 'none'],
    '?a=a+b%26c&on=true&n=1.5',
    { rest: 1 },
  ],
  [{ tags: ['a', 'b'] }, ['tags', 'other'], '?tags=a&tags=b', {}],
  [{ seed: '\x0018446744073709551615' }, ['seed'], '?seed=18446744073709551615', {}],
])('of %j with the query names %j, %j is the query', (input, names, query, body) => {
  expect(splitQuery(input, names)).toEqual({ query, body });
});
