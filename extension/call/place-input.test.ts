import { expect, it } from 'vitest';
import type { JsonObject } from './json.ts';
import { placeInput } from './place-input.ts';

it.each<[JsonObject, readonly string[], string, JsonObject]>([
  [{ a: 1, b: 'x' }, [], '', { a: 1, b: 'x' }],
  [
    { a: 'a b&c', on: true, n: 1.5, none: null, rest: 1 },
    ['a', 'on', 'n', 'none'],
    '?a=a+b%26c&on=true&n=1.5',
    { rest: 1 },
  ],
  [{ tags: ['a', 'b'] }, ['tags', 'other'], '?tags=a&tags=b', {}],
  [{ seed: '\x0018446744073709551615' }, ['seed'], '?seed=18446744073709551615', {}],
])('of %j with the query names %j, %j is the query', (input, query, expected, body) => {
  expect(placeInput(input, { path: '/', query })).toEqual({ path: '/', query: expected, body });
});

it.each<[string, JsonObject, string, JsonObject]>([
  ['/items/{id}', { id: 5, a: 1 }, '/items/5', { a: 1 }],
  ['/ü/{id}/x', { id: 'a b?c#d' }, '/%C3%BC/a%20b%3Fc%23d/x', {}],
  ['/files/{name:path}', { name: 'a/b.png' }, '/files/a/b.png', {}],
  ['/{a}/{b}', { a: '\x0018446744073709551615', b: true }, '/18446744073709551615/true', {}],
])('fills the path %s', (path, input, filled, body) => {
  expect(placeInput(input, { path })).toEqual({ path: filled, query: '', body });
});

it('keeps a part of the path in the body that has it, too', () => {
  expect(placeInput({ id: 5 }, { path: '/{id}', both: ['id'] })).toEqual({ path: '/5', query: '', body: { id: 5 } });
});

it.each<JsonObject>([{}, { id: '' }, { id: null }, { id: [1] }])(
  'sends nothing for the path /{id} with %j',
  (input) => {
    expect(() => placeInput(input, { path: '/{id}' })).toThrow(/set "id"/);
  },
);

it('sends a body that is not an object', () => {
  const input = { id: 5, $body: [1, 2] };
  expect(placeInput(input, { path: '/{id}', query: [] })).toEqual({ path: '/5', query: '', body: [1, 2] });
  expect(placeInput({ $body: false }, { path: '/' }).body).toBe(false);
});
