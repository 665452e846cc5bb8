import type { Event } from '../events.ts';
import type { RunnerId } from '../types.ts';
import { IdMap } from '../world/id-map.ts';
import { replaceKey } from '../world/request-index.ts';
import type { Sorted } from '../world/sorted.ts';
import { edit, putRunner, type Turn } from '../world/turn.ts';
import type { World } from '../world/world.ts';
import { chooseGpu, countSlots, slotsOf } from './gpu-slots.ts';

/**
 * Changes the machine's number of GPU slots, and counts the slots and both lines again: how many slots a runner takes
 * depends on how many there are. Runners that have more than there are now keep them until they end; those that wait
 * choose again.
 */
export function setSlots(turn: Turn, event: Extract<Event, { type: 'gpuSlotsChanged' }>): void {
  const { world } = turn;
  const { gpuSlots } = event;
  const gpuKinds = event.gpuKinds ?? null;
  if (world.limits.gpuSlots === gpuSlots && gpuKinds === null && world.limits.gpuKinds === null) return;
  const limits = { ...world.limits, gpuSlots, gpuKinds };
  let gpu: World['gpu'] = IdMap.empty();
  let line: Sorted<RunnerId> = null;
  for (const runner of world.runners.values()) {
    gpu = countSlots(gpu, limits, { id: runner.id, after: runner });
    if (slotsOf(limits, runner) === 0) line = replaceKey(line, null, runner.turn, runner.id);
  }
  edit(turn, 'limits', limits);
  edit(turn, 'gpu', gpu);
  edit(turn, 'line', line);
  if (gpuKinds === null) return;
  for (const runner of world.runners.values())
    if (runner.turn !== null) putRunner(turn, runner.id, { ...runner, gpu: chooseGpu(turn.world, runner.settings) });
}
