import { describe, expect, it } from 'vitest';
import { uuidFrom } from './ids.ts';

describe('uuidFrom', () => {
  it('has the shape of a version 4 UUID', () => {
    for (let i = 0; i < 100; i += 1) {
      expect(uuidFrom('seed', i)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });

  it('depends only on seed and counter', () => {
    expect(uuidFrom('seed', 7)).toBe(uuidFrom('seed', 7));
    expect(new Set([uuidFrom('a', 1), uuidFrom('a', 2), uuidFrom('b', 1), uuidFrom('a1', 1)]).size).toBe(4);
  });
});
