import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdMap } from './id-map.ts';

/** Pairs of words with the same 32 bits of FNV-1a, among others that have some bits in common. */
const collidingKeys = ['costarring', 'liquid', 'declinate', 'macallums', 'altarage', 'zinke', 'altarages', 'zinkes'];
const key = fc.oneof(fc.constantFrom(...collidingKeys), fc.integer({ min: 0, max: 400 }).map(String), fc.uuid());
const operations = fc.array(fc.record({ add: fc.boolean(), key, value: fc.integer({ min: 0, max: 3 }) }), {
  maxLength: 400,
});

function made(entries: Iterable<readonly [string, number]>): IdMap<string, number> {
  let map = IdMap.empty<string, number>();
  for (const [id, value] of entries) map = map.set(id, value);
  return map;
}

describe('map of ids', () => {
  it('agrees with a Map after any changes, and no change affects earlier maps', () => {
    fc.assert(
      fc.property(operations, (steps) => {
        const model = new Map<string, number>();
        const seen: [IdMap<string, number>, Map<string, number>][] = [];
        let map = IdMap.empty<string, number>();
        for (const { add, key: id, value } of steps) {
          seen.push([map, new Map(model)]);
          if (add) model.set(id, value);
          else model.delete(id);
          map = add ? map.set(id, value) : map.delete(id);
          expect(map.get(id)).toBe(model.get(id));
          expect(map.has(id)).toBe(model.has(id));
        }
        for (const [then, entries] of [...seen.slice(-20), [map, model] as const]) {
          expect(then.size).toBe(entries.size);
          expect(new Map(then)).toEqual(entries);
          for (const [id, value] of entries) expect(then.get(id)).toBe(value);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('has an order that depends only on its keys', () => {
    fc.assert(
      fc.property(operations, fc.infiniteStream(fc.nat()), (steps, random) => {
        const keys = [...new Set(steps.map((step) => step.key))];
        const shuffled = keys.map((id) => [random.next().value ?? 0, id] as const).sort(([a], [b]) => a - b);
        const longer = made(steps.map((step) => [step.key, step.value]));
        const shorter = made(shuffled.map(([, id]) => [id, 0]));
        expect([...shorter.keys()]).toEqual([...longer.keys()]);
        const [first = ''] = keys;
        expect([...shorter.set('another', 1).delete('another').delete(first).keys()]).toEqual([
          ...longer.delete(first).keys(),
        ]);
      }),
      { numRuns: 100 },
    );
  });

  it('distinguishes words with the same hash', () => {
    const map = made(collidingKeys.map((word, i) => [word, i]));
    expect(map.get('costarring')).toBe(0);
    expect(map.get('liquid')).toBe(1);
    expect(map.delete('liquid').get('costarring')).toBe(0);
    expect(map.delete('costarring').get('liquid')).toBe(1);
    expect(map.delete('costarring').has('costarring')).toBe(false);
  });

  it('stays the same map if nothing changes', () => {
    const map = made([['a', 1]]);
    expect(map.set('a', 1)).toBe(map);
    expect(map.delete('b')).toBe(map);
    expect(IdMap.empty<string, number>().get('a')).toBeUndefined();
    expect([...IdMap.empty().keys()]).toEqual([]);
  });
});
