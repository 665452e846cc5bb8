import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ceiling, compareKeys, first, insert, rank, remove, type Sorted, size, values } from './sorted.ts';

const key = fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 }));
const operations = fc.array(fc.record({ add: fc.boolean(), key }), { maxLength: 200 });

function height(tree: Sorted<string>): number {
  return tree === null ? 0 : 1 + Math.max(height(tree.left), height(tree.right));
}

describe('sorted map', () => {
  it('agrees with a sorted list after any inserts and removals', () => {
    fc.assert(
      fc.property(operations, key, (steps, probe) => {
        let tree: Sorted<string> = null;
        const model = new Map<string, [number, number]>();
        for (const step of steps) {
          const before = tree;
          const beforeValues = values(before);
          tree = step.add ? insert(tree, step.key, step.key.join()) : remove(tree, step.key);
          if (step.add) model.set(step.key.join(), step.key);
          else model.delete(step.key.join());
          expect(values(before)).toEqual(beforeValues);
        }
        const sorted = [...model.values()].sort(compareKeys);
        const names = sorted.map((k) => k.join());
        expect(values(tree)).toEqual(names);
        expect(size(tree)).toBe(names.length);
        expect(first(tree)?.value).toBe(names[0]);
        expect(rank(tree, probe)).toBe(sorted.filter((k) => compareKeys(k, probe) < 0).length);
        expect(ceiling(tree, probe)?.value).toBe(sorted.find((k) => compareKeys(k, probe) >= 0)?.join());
      }),
      { numRuns: 300 },
    );
  });

  it('stays shallow when keys are added in order and removed from the front', () => {
    let tree: Sorted<string> = null;
    for (let i = 0; i < 10_000; i += 1) tree = insert(tree, [i], 'x');
    expect(height(tree)).toBeLessThan(34);
    for (let i = 0; i < 9_000; i += 1) tree = remove(tree, [i]);
    expect(size(tree)).toBe(1_000);
    expect(height(tree)).toBeLessThan(25);
  });

  it('keeps the same tree when the key to remove is absent', () => {
    const tree = insert(insert(null, [1, 2], 'a'), [3], 'b');
    expect(remove(tree, [2])).toBe(tree);
  });

  it('orders a key before its own extension', () => {
    expect(compareKeys([1], [1, 0])).toBeLessThan(0);
    expect(compareKeys([1, 0], [1])).toBeGreaterThan(0);
    expect(compareKeys([2], [1, 9])).toBeGreaterThan(0);
  });
});
