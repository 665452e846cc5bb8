import { describe, expect, it } from 'vitest';
import { buffer, need, startTarget, target } from './scale.ts';
import { scaleOf } from './testing/samples.ts';

const page = [
  {
    name: 'min 1, buffer 1, mux 1, max 10',
    min: 1,
    buffer: 1,
    perc: 0,
    mux: 1,
    max: 10,
    rows: [
      [0, 1],
      [1, 2],
      [12, 10],
    ],
  },
  {
    name: 'min 3, buffer 2, mux 1, max 10',
    min: 3,
    buffer: 2,
    perc: 0,
    mux: 1,
    max: 10,
    rows: [
      [0, 3],
      [1, 3],
      [2, 4],
      [8, 10],
    ],
  },
  {
    name: 'min 0, buffer 2, mux 4, max 6',
    min: 0,
    buffer: 2,
    perc: 0,
    mux: 4,
    max: 6,
    rows: [
      [0, 2],
      [4, 3],
      [5, 4],
      [24, 6],
    ],
  },
  {
    name: 'perc 20, buffer 1, mux 1',
    min: 0,
    buffer: 1,
    perc: 20,
    mux: 1,
    max: null,
    rows: [
      [0, 1],
      [10, 12],
      [20, 24],
    ],
  },
] as const;

describe('target', () => {
  for (const example of page) {
    for (const [volume, expected] of example.rows) {
      it(`is ${expected} for ${volume} requests with ${example.name} (documented example)`, () => {
        const scale = scaleOf({
          minConcurrency: example.min,
          maxConcurrency: example.max,
          concurrencyBuffer: example.buffer,
          concurrencyBufferPerc: example.perc,
        });
        expect(target(scale, volume, example.mux)).toBe(expected);
      });
    }
  }

  it('never exceeds max_concurrency, even for min_concurrency', () => {
    expect(target(scaleOf({ minConcurrency: 5, maxConcurrency: 2 }), 0, 1)).toBe(2);
  });
});

describe('need', () => {
  it.each([
    [0, 1, 0],
    [1, 1, 1],
    [4, 4, 1],
    [5, 4, 2],
  ])('of %i requests at max_multiplexing %i is %i', (volume, mux, expected) => {
    expect(need(volume, mux)).toBe(expected);
  });
});

describe('buffer', () => {
  it.each([
    [2, 20, 5, 1, 2],
    [1, 20, 15, 1, 3],
    [0, 20, 1, 1, 1],
    [0, 20, 40, 4, 2],
    [0, 0, 40, 1, 0],
  ])('of %i or %i %% at volume %i and max_multiplexing %i is %i', (absolute, perc, volume, mux, expected) => {
    expect(buffer(scaleOf({ concurrencyBuffer: absolute, concurrencyBufferPerc: perc }), volume, mux)).toBe(expected);
  });
});

describe('startTarget', () => {
  const volume = { inFlight: 1, queued: 3 };

  it('counts the queue after scaling_delay', () => {
    expect(startTarget(scaleOf(), volume, 1, true)).toBe(4);
  });

  it('counts only requests in flight before scaling_delay is over', () => {
    expect(startTarget(scaleOf(), volume, 1, false)).toBe(1);
  });

  it('never delays min_concurrency and buffers', () => {
    expect(startTarget(scaleOf({ minConcurrency: 3 }), volume, 1, false)).toBe(3);
    expect(startTarget(scaleOf({ concurrencyBuffer: 2 }), volume, 1, false)).toBe(3);
  });

  it('is limited to max_concurrency', () => {
    expect(startTarget(scaleOf({ maxConcurrency: 2 }), volume, 1, true)).toBe(2);
  });
});
