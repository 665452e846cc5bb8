import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DamagedRow } from '../../store/rows.ts';
import { pack, unpack } from './packed.ts';
import { condense, type Sample } from './sample.ts';

const gibibyte = 1024 ** 3;

describe('packed samples', () => {
  const samples: readonly Sample[] = [
    { at: 60_000, memoryBytes: 3 * gibibyte, cores: 0.29 },
    { at: 80_000, memoryBytes: 0, gpuUtilization: 99.99, gpuMemoryBytes: 640 * gibibyte, powerWatts: 5_600 },
  ];

  it('are unpacked as they were, with their gaps', () => {
    expect(unpack(pack(samples, 10_000), 10_000)).toEqual(samples);
  });

  it('have 6 bytes each where no runner has a GPU', () => {
    expect(pack(samples.slice(0, 1), 10_000).bytes).toHaveLength(7);
    expect(pack(samples, 10_000).bytes).toHaveLength(1 + 3 * 14);
  });

  it('lose only what nobody sees, whatever was measured', () => {
    const value = (max: number) => fc.option(fc.double({ min: 0, max, noNaN: true }), { nil: undefined });
    const all = fc.record({
      ...{ cores: value(600), memoryBytes: fc.double({ min: 0, max: 4e12, noNaN: true }) },
      ...{ gpuUtilization: value(100), gpuMemoryBytes: value(4e12), powerWatts: value(60_000) },
    });
    const isNear = (a: number | undefined, b: number | undefined, unit: number) =>
      a === undefined || b === undefined ? a === b : Math.abs(a - b) <= unit;
    fc.assert(
      fc.property(all, (values) => {
        const [found] = unpack(pack([{ at: 0, ...values } as Sample], 1), 1);
        return (
          isNear(found?.cores, values.cores, 0.01) &&
          isNear(found?.memoryBytes, values.memoryBytes, 1024) &&
          isNear(found?.gpuUtilization, values.gpuUtilization, 0.01) &&
          isNear(found?.gpuMemoryBytes, values.gpuMemoryBytes, 1024) &&
          isNear(found?.powerWatts, values.powerWatts, 1)
        );
      }),
    );
  });

  it('have the largest value that there is room for in place of a larger one', () => {
    const [found] = unpack(pack([{ at: 0, cores: 1e9, memoryBytes: 1e18, powerWatts: 1e9 }], 1), 1);
    expect(found).toEqual({ at: 0, cores: 655.34, memoryBytes: 0xfffffffe * 1024, powerWatts: 65_534 });
  });

  it.each([[[]], [[2, 1, 1, 1, 1, 1, 1]], [[0, 1, 2]], [[0, ...Array(61 * 6).fill(1)]]])(
    'are damaged if their bytes are %j',
    (bytes) => {
      expect(() => unpack({ at: 0, bytes: Uint8Array.from(bytes) }, 1)).toThrow(DamagedRow);
    },
  );
});

describe('samples of a longer span', () => {
  it('have averages, but the most of each kind of memory', () => {
    const samples = [
      { at: 12_000, cores: 2, memoryBytes: 7, gpuUtilization: 40, gpuMemoryBytes: 1, powerWatts: 100 },
      { at: 11_000, memoryBytes: 9, gpuMemoryBytes: 5 },
      { at: 25_000, cores: 1, memoryBytes: 1 },
      { at: 19_999, cores: 1, memoryBytes: 3, gpuUtilization: 60 },
    ];
    expect(condense(samples, 10_000)).toEqual([
      { at: 10_000, cores: 1.5, memoryBytes: 9, gpuUtilization: 50, gpuMemoryBytes: 5, powerWatts: 100 },
      { at: 20_000, cores: 1, memoryBytes: 1 },
    ]);
    expect(condense([], 10_000)).toEqual([]);
  });
});
