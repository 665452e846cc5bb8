import { describe, expect, it } from 'vitest';
import { hydrate, parseReference, ReferenceProblem, referenceTexts } from './references.ts';

describe('a reference', () => {
  it.each([
    ['$input', { name: 'input', path: [] }],
    ['$input.lhs', { name: 'input', path: ['lhs'] }],
    ['$local_app_1.images.0.url', { name: 'local_app_1', path: ['images', 0, 'url'] }],
    ['$node.größe', { name: 'node', path: ['größe'] }],
  ])('%s is read as the SDK reads it', (text, reference) => {
    expect(parseReference(text)).toEqual(reference);
  });

  it.each(['$', '$.x', '$a..b', '$a.b c', '$a.1x', '$a.99999999999'])('%s is not a reference', (text) => {
    expect(parseReference(text)).toBeUndefined();
  });

  it('is found anywhere in a value', () => {
    expect(referenceTexts({ a: ['$x.y', 1, null, { b: '$z' }], c: 'costs 5 $', d: true })).toEqual(['$x.y', '$z']);
  });
});

describe('resolving references', () => {
  const values = new Map<string, unknown>([
    ['input', { lhs: 2, list: [{ url: 'u0' }, { url: 'u1' }] }],
    ['node', 'text'],
  ]);

  it('replaces each reference with its value, and keeps the rest', () => {
    expect(hydrate({ a: '$input.lhs', b: ['$input.list.1.url', '$node', 'x', 3, null] }, values)).toEqual({
      a: 2,
      b: ['u1', 'text', 'x', 3, null],
    });
  });

  it.each([
    '$input.rhs',
    '$input.list.2',
    '$input.list.url',
    '$input.0',
    '$node.length',
    '$other',
    '$input.toString',
    '$input.__proto__',
  ])('%s leads nowhere and says so', (text) => {
    expect(() => hydrate({ deep: [text] }, values)).toThrow(ReferenceProblem);
  });

  it('keeps a key named __proto__ as data', () => {
    const hydrated = hydrate(JSON.parse('{"__proto__": {"polluted": "$node"}}'), values);
    expect(JSON.stringify(hydrated)).toBe('{"__proto__":{"polluted":"text"}}');
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it('refuses a short value that refers to a long one many times, before it takes time and memory', () => {
    const values = new Map<string, unknown>([['input', { text: 'x'.repeat(1_000_000), list: Array(100_000).fill(1) }]]);
    const many = (reference: string, count: number) => Array.from({ length: count }, () => reference);
    for (const reference of ['$input.text', '$input.list', '$input'])
      expect(() => hydrate({ a: many(reference, 200) }, values)).toThrow(/are longer than 33554432 characters/);
    expect(hydrate({ a: many('$input.text', 20) }, values)).toEqual({ a: many('x'.repeat(1_000_000), 20) });
  });
});
