import type { RunnerId } from '../types.ts';
import { replaceKey } from '../world/request-index.ts';
import { isEnding, isLeaving, isPlaced } from '../world/runner-index.ts';
import type { GpuSlots, Limits, LiveRunner, World } from '../world/world.ts';

/** The machine's GPU slots. They are minifal's own: on the platform each runner has its own machine. */

/**
 * Number of slots that the runner needs. A runner that needs more than the machine has takes them all. Without a limit,
 * 0.
 */
export function slotsOf(
  { gpuSlots: limit }: Pick<Limits, 'gpuSlots'>,
  runner: Pick<LiveRunner, 'settings'> | undefined,
): number {
  return runner === undefined || limit === Number.POSITIVE_INFINITY ? 0 : Math.min(limit, runner.settings.gpuSlots);
}

/** Number of unused slots. */
export function freeSlots({ limits, gpu }: World): number {
  return limits.gpuSlots - gpu.used;
}

/**
 * The slots in use, and the line for them, after one runner changed. `undefined`: the runner is new, or was removed.
 */
export function countSlots(
  { gpu, limits }: Pick<World, 'gpu' | 'limits'>,
  id: RunnerId,
  before: LiveRunner | undefined,
  after: LiveRunner | undefined,
): GpuSlots {
  const was = slotsOf(limits, before);
  const is = slotsOf(limits, after);
  if (was === 0 && is === 0) return gpu;
  const change = (counts: (runner: LiveRunner | undefined) => boolean) =>
    (counts(after) ? is : 0) - (counts(before) ? was : 0);
  const from = was > 0 ? (before?.turn ?? null) : null;
  const to = is > 0 ? (after?.turn ?? null) : null;
  const next = {
    used: gpu.used + change(isPlaced),
    leaving: gpu.leaving + change(isLeaving),
    ending: gpu.ending + change(isEnding),
    line: replaceKey(gpu.line, from, to, id),
  };
  const same =
    next.used === gpu.used && next.leaving === gpu.leaving && next.ending === gpu.ending && next.line === gpu.line;
  return same ? gpu : next;
}
