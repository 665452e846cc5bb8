import { describe, expect, it } from 'vitest';
import type { MachineLimitMode } from '../../wire/machine-limits.ts';
import { createMemoryLimits, type Measured, outOfMemory } from './memory-limits.ts';

const mib = 1024 * 1024;

/** Limits of these runners; `next` makes them look once more. */
function watch(
  mode: MachineLimitMode,
  runners: readonly (Measured & { readonly own: number; readonly all?: number })[],
) {
  const news: string[] = [];
  const limits = createMemoryLimits({
    mode,
    async memoryBeyond([pid], limit) {
      const own = (runners.find((one) => one.pid === pid)?.own ?? 0) * mib;
      return own > limit ? own : undefined;
    },
    warn: (id, text) => news.push(`warn ${id}: ${text}`),
    end: (id, reason) => news.push(`end ${id}: ${reason}`),
  });
  const of = new Map(
    runners.map(({ pid, own, all = own }) => [pid, { pids: [pid], residentBytes: all * mib }] as const),
  );
  return { news, next: () => limits.check(runners, { of, cpu: new Map(), atMs: 0 }) };
}

function runner(machineType: string, own: number, more: { readonly all?: number; readonly gpuSlots?: number } = {}) {
  return { id: 'r', pid: 7, machineType, gpuSlots: 0, own, ...more };
}

describe('a runner that uses more memory than its machine type has', () => {
  it.each([
    [
      runner('XS', 700),
      'This app uses 700 MB of memory; XS has 512 MB, and the cloud would have ended it. ' +
        'Set machine_type = "S" (1 GB).',
    ],
    [
      runner('S', 1_600),
      'This app uses 1.6 GB of memory; S has 1 GB, and the cloud would have ended it. Set machine_type = "M" (2 GB).',
    ],
    [runner('XL', 40_000), 'This app uses 39.1 GB of memory; XL has 30 GB, and the cloud would have ended it.'],
    [
      runner('GPU-A6000', 20_000),
      'This app uses 19.6 GB of memory; GPU-A6000 has 18 GB, and the cloud would have ended it. ' +
        'Set machine_type = "GPU-RTX4090" (48 GB).',
    ],
    [
      runner('GPU-A6000', 80_000, { gpuSlots: 4 }),
      'This app uses 78.2 GB of memory; GPU-A6000 has 72 GB, and the cloud would have ended it. ' +
        'Set machine_type = "GPU-RTX4090" (192 GB).',
    ],
    [
      runner('GPU-A6000', 300_000, { gpuSlots: 8 }),
      'This app uses 293 GB of memory; GPU-A6000 has 144 GB, and the cloud would have ended it. ' +
        'Set machine_type = "GPU-RTX4090" (384 GB).',
    ],
    // Not "1 GB, and S has 1 GB".
    [
      runner('S', 1_030),
      'This app uses 1.1 GB of memory; S has 1 GB, and the cloud would have ended it. Set machine_type = "M" (2 GB).',
    ],
    [
      runner('XS', 512.2),
      'This app uses 513 MB of memory; XS has 512 MB, and the cloud would have ended it. ' +
        'Set machine_type = "S" (1 GB).',
    ],
  ])('is warned once: %j', async (one, text) => {
    const { news, next } = watch('warn', [one]);
    await next();
    await next();
    expect(news).toEqual([`warn r: ${text}`]);
  });

  it('is ended if the limits are enforced', async () => {
    const { news, next } = watch('enforce', [runner('XS', 700)]);
    await next();
    expect(news).toEqual(['end r: Out of memory: it used 700 MB, and XS has 512 MB. Set machine_type = "S" (1 GB).']);
  });

  it.each([
    ['it shares the rest', runner('XS', 500, { all: 900 })],
    ['it has less', runner('XS', 512)],
    ['it has several GPUs, with the memory of several machines', runner('GPU-A6000', 20_000, { gpuSlots: 2 })],
    ['the memory of its type is not documented', runner('GPU-T4', 900_000)],
  ])('is left alone if %s', async (_, one) => {
    const { news, next } = watch('enforce', [one]);
    await next();
    expect(news).toEqual([]);
  });

  it('is named with its limit if the machine has ended it', () => {
    expect(outOfMemory({ machineType: 'XS', gpuSlots: 0 })).toBe(
      'Out of memory: it needed more than 512 MB, which XS has. Set machine_type = "S" (1 GB).',
    );
  });

  it('is left alone if the limits are off', async () => {
    const { news, next } = watch('off', [runner('XS', 700)]);
    expect([await next(), news]).toEqual([0, []]);
  });

  it('may be the only one of several', async () => {
    const { news, next } = watch('enforce', [runner('XS', 100), { ...runner('XS', 600), id: 'other', pid: 8 }]);
    await next();
    expect(news.map((text) => text.split(':')[0])).toEqual(['end other']);
  });
});
