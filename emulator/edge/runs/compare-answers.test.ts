import { expect, it } from 'vitest';
import { describeAudit } from './audit-words.ts';
import { compareAnswers } from './compare-answers.ts';

const json = (value: unknown, status = 200) => ({
  status,
  contentType: 'application/json; charset=utf-8',
  body: Buffer.from(JSON.stringify(value)),
});
const text = (body: string, contentType = 'text/plain') => ({ status: 200, contentType, body: Buffer.from(body) });

it.each([
  ['the same', json({ a: 1 }), json({ a: 1 }), { kind: 'none' }],
  ['only formatted', json({ a: 1, b: 2 }), json({ b: 2, a: 1 }), { kind: 'none' }],
  [
    'another value',
    json({ a: [{ seed: 1 }] }),
    json({ a: [{ seed: 2 }] }),
    { kind: 'values', places: ['$.a[0].seed'] },
  ],
  ['a missing name', json({ a: 1, 'b c': 2 }), json({ a: 2 }), { kind: 'structure', places: ['$["b c"] is missing'] }],
  ['a new name', json({}), json({ a: 2 }), { kind: 'structure', places: ['$.a is new'] }],
  [
    'another kind',
    json({ a: null, b: true }),
    json({ a: 1, b: 'x' }),
    { kind: 'structure', places: ['$.a is a number in place of null', '$.b is a text in place of a boolean'] },
  ],
  ['another length', json([1, 2]), json([1]), { kind: 'structure', places: ['$ has 1 entries in place of 2'] }],
  ['another status', json({}), json({}, 500), { kind: 'structure', places: ['status 500 in place of 200'] }],
  ['another type', json({}), text('{}'), { kind: 'structure', places: ['text/plain in place of application/json'] }],
  ['another text', text('a'), text('b'), { kind: 'values', places: ['text/plain'] }],
  ['text that is called JSON', text('a', 'application/json'), text('b', 'application/json'), { kind: 'values' }],
] as const)('%s', (_, changed, fresh, difference) => {
  expect(compareAnswers(changed, fresh)).toMatchObject(difference);
});

it('names a few places of many', () => {
  const many = (value: number) => json(Array.from({ length: 20 }, () => value));
  const found = compareAnswers(many(1), many(2));
  expect(found).toMatchObject({ kind: 'values' });
  expect(found.kind === 'none' ? [] : found.places.slice(-2)).toEqual(['$[4]', '15 more']);
});

it('is bounded for a deep or hostile answer', () => {
  const deep = (end: string) => text(`${'['.repeat(3_000)}${end}${']'.repeat(3_000)}`, 'application/json');
  expect(compareAnswers(deep('1'), deep('2'))).toMatchObject({ kind: 'values' });
  const proto = text('{"__proto__":{"a":1}}', 'application/json');
  expect(compareAnswers(proto, json({}))).toMatchObject({ places: ['$.__proto__ is missing'] });
});

it.each([
  [{ kind: 'none' }, 'same', 'Audit: a fresh runner gives the same answer to POST /.'],
  [
    { kind: 'values', places: ['$.seed'] },
    'values',
    'has other values in $.seed. Random numbers, times and ids differ',
  ],
  [
    { kind: 'structure', places: ['$.a is new'] },
    'different',
    'in another way: $.a is new. Restart the app to be sure.',
  ],
  [{ failed: 'setup() raised\n ValueError.' }, 'failed', 'could answer POST /: setup() raised ValueError.'],
] as const)('%j is said in a sentence', (found, outcome, words) => {
  const said = describeAudit('POST /', found);
  expect(said.outcome).toBe(outcome);
  expect(said.sentence).toContain(words);
});
