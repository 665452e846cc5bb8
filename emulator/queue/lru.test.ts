import { describe, expect, it } from 'vitest';
import { createLru } from './lru.ts';

describe('createLru', () => {
  it('evicts the least recently used entry above the maximum count', () => {
    const lru = createLru<string, number>({ entries: 2, bytes: 1_000 });
    lru.set('a', 1, 1);
    lru.set('b', 2, 1);
    lru.get('a');
    lru.set('c', 3, 1);
    expect([lru.get('a'), lru.get('b'), lru.get('c')]).toEqual([1, undefined, 3]);
  });

  it('evicts by bytes, counts a replaced entry once, and refuses an entry that is too large', () => {
    const lru = createLru<string, number>({ entries: 100, bytes: 80 });
    for (let n = 0; n < 20; n++) lru.set('same', n, 10);
    for (let n = 0; n < 7; n++) lru.set(`k${n}`, n, 10);
    expect(lru.get('same')).toBe(19);
    lru.set('huge', 1, 11);
    expect(lru.get('huge')).toBeUndefined();
    lru.set('one more', 1, 10);
    expect([lru.get('k0'), lru.get('k1'), lru.get('same')]).toEqual([undefined, 1, 19]);
  });

  it('forgets the old value of a key whose new value is too large', () => {
    const lru = createLru<string, number>({ entries: 100, bytes: 80 });
    lru.set('a', 1, 1);
    lru.set('a', 2, 50);
    expect(lru.get('a')).toBeUndefined();
  });
});
