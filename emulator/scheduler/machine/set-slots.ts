import type { RunnerId } from '../types.ts';
import { replaceKey } from '../world/request-index.ts';
import type { Sorted } from '../world/sorted.ts';
import { edit, type Turn } from '../world/turn.ts';
import { noSlots } from '../world/world.ts';
import { countSlots, slotsOf } from './gpu-slots.ts';

/**
 * Changes the machine's number of GPU slots, and counts the slots and both lines again: how many slots a runner takes
 * depends on how many there are. Runners that have more than there are now keep them until they end.
 */
export function setSlots(turn: Turn, gpuSlots: number): void {
  const { world } = turn;
  if (world.limits.gpuSlots === gpuSlots) return;
  const limits = { ...world.limits, gpuSlots };
  let gpu = noSlots;
  let line: Sorted<RunnerId> = null;
  for (const runner of world.runners.values()) {
    gpu = countSlots({ gpu, limits }, runner.id, undefined, runner);
    if (slotsOf(limits, runner) === 0) line = replaceKey(line, null, runner.turn, runner.id);
  }
  edit(turn, 'limits', limits);
  edit(turn, 'gpu', gpu);
  edit(turn, 'line', line);
}
