import type { ScaleSettings } from './types.ts';

/** The formulas of docs/platform/runners.md#scaling. Pure arithmetic; scaling.ts decides which runners start or end. */

type Sizes = Pick<ScaleSettings, 'minConcurrency' | 'maxConcurrency' | 'concurrencyBuffer' | 'concurrencyBufferPerc'>;

/** Requests of the alias: those on counted runners, and waiting ones (including those that wait for a retry). */
export interface Volume {
  readonly inFlight: number;
  readonly queued: number;
}

/** Runners needed to process `volume` requests concurrently. */
export function need(volume: number, maxMultiplexing: number): number {
  return Math.ceil(volume / maxMultiplexing);
}

/**
 * Runners to keep beyond the need: the larger of the absolute and the relative buffer. The percentage refers to the
 * runners that the volume needs (inferred: 20 % of the traffic is 20 % of the runners).
 */
export function buffer(scale: Sizes, volume: number, maxMultiplexing: number): number {
  const relative = Math.ceil((scale.concurrencyBufferPerc * volume) / (100 * maxMultiplexing));
  return Math.max(scale.concurrencyBuffer, relative);
}

/** Target number of runners for `volume` requests; never above max_concurrency. */
export function target(scale: Sizes, volume: number, maxMultiplexing: number): number {
  const wanted = need(volume, maxMultiplexing) + buffer(scale, volume, maxMultiplexing);
  return clamp(scale, Math.max(wanted, scale.minConcurrency));
}

/**
 * Runners that may be started now. While no request has waited `scaling_delay` yet (`queueIsDue` false), only the need
 * of requests in flight counts; min_concurrency and buffers are never delayed (inferred).
 */
export function startTarget(scale: Sizes, volume: Volume, maxMultiplexing: number, queueIsDue: boolean): number {
  const all = volume.inFlight + volume.queued;
  const pressing = queueIsDue ? all : volume.inFlight;
  const wanted = need(pressing, maxMultiplexing) + buffer(scale, all, maxMultiplexing);
  return clamp(scale, Math.max(wanted, scale.minConcurrency));
}

function clamp(scale: Sizes, wanted: number): number {
  return scale.maxConcurrency === null ? wanted : Math.min(scale.maxConcurrency, wanted);
}
