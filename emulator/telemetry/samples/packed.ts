import { DamagedRow } from '../../store/rows.ts';
import type { Sample } from './sample.ts';

/**
 * Samples of equal spans as few bytes: one byte that says whether there are values of GPUs, then 6 or 14 bytes for each
 * span, without those after the last sample. Each value is one more than it is in its unit; 0 means that there is none.
 * The values lose what nobody sees: a hundredth of a core, a KiB, a hundredth of a percent, a watt.
 */
export interface Packed {
  /** Of the first span. */
  readonly at: number;
  readonly bytes: Uint8Array;
}

const kib = 1024;
const sizes = { cpu: 6, gpu: 14 } as const;
/** A row that claims more spans than this isn't ours. */
const maxSpans = 60;

/** @param samples oldest first; from the first to the last one there are at most `maxSpans` spans */
export function pack(samples: readonly Sample[], spanMs: number): Packed {
  const at = samples[0]?.at ?? 0;
  const spans = Math.round(((samples.at(-1)?.at ?? 0) - at) / spanMs) + 1;
  const withGpu = samples.some((sample) => gpuValues(sample).some((value) => value !== undefined));
  const size = withGpu ? sizes.gpu : sizes.cpu;
  const view = new DataView(new ArrayBuffer(1 + spans * size));
  view.setUint8(0, withGpu ? 1 : 0);
  for (const sample of samples) {
    const start = 1 + Math.round((sample.at - at) / spanMs) * size;
    view.setUint16(start, stored(sample.cores, 0.01, 0xffff));
    view.setUint32(start + 2, stored(sample.memoryBytes, kib, 0xffffffff));
    if (!withGpu) continue;
    view.setUint16(start + 6, stored(sample.gpuUtilization, 0.01, 0xffff));
    view.setUint32(start + 8, stored(sample.gpuMemoryBytes, kib, 0xffffffff));
    view.setUint16(start + 12, stored(sample.powerWatts, 1, 0xffff));
  }
  return { at, bytes: new Uint8Array(view.buffer) };
}

/** @throws DamagedRow */
export function unpack({ at, bytes }: Packed, spanMs: number): readonly Sample[] {
  const [kind = -1] = bytes;
  const size = kind === 1 ? sizes.gpu : sizes.cpu;
  const spans = (bytes.length - 1) / size;
  if (kind > 1 || !Number.isInteger(spans) || spans < 0 || spans > maxSpans)
    throw new DamagedRow('these are no samples');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: spans }, (_, span) => span).flatMap((span) => {
    const start = 1 + span * size;
    const memoryBytes = read(view.getUint32(start + 2), kib);
    if (memoryBytes === undefined) return [];
    const cores = read(view.getUint16(start), 0.01);
    const gpuUtilization = kind === 1 ? read(view.getUint16(start + 6), 0.01) : undefined;
    const gpuMemoryBytes = kind === 1 ? read(view.getUint32(start + 8), kib) : undefined;
    const powerWatts = kind === 1 ? read(view.getUint16(start + 12), 1) : undefined;
    return {
      at: at + span * spanMs,
      ...(cores === undefined ? {} : { cores }),
      memoryBytes,
      ...(gpuUtilization === undefined ? {} : { gpuUtilization }),
      ...(gpuMemoryBytes === undefined ? {} : { gpuMemoryBytes }),
      ...(powerWatts === undefined ? {} : { powerWatts }),
    };
  });
}

function gpuValues({ gpuUtilization, gpuMemoryBytes, powerWatts }: Sample) {
  return [gpuUtilization, gpuMemoryBytes, powerWatts];
}

function stored(value: number | undefined, unit: number, max: number): number {
  return value === undefined ? 0 : Math.min(Math.max(0, Math.round(value / unit)) + 1, max);
}

function read(value: number, unit: number): number | undefined {
  // Hundredths as a division, so that they are the nearest numbers: 29 * 0.01 isn't 0.29.
  return value === 0 ? undefined : unit < 1 ? (value - 1) / (1 / unit) : (value - 1) * unit;
}
