import { findGpus } from '../local/gpus/find-gpus.ts';
import type { Gpu } from '../local/gpus/gpu.ts';
import type { Foundations } from './foundations.ts';
import type { EmulatorOptions } from './options.ts';

/** The GPUs that runners get, and how many slots there are for them; no `slots`: no limit. */
export interface MachineGpus {
  readonly gpus: readonly Gpu[];
  readonly slots: number | undefined;
}

type Asked = Pick<EmulatorOptions, 'gpus' | 'gpuSlots' | 'gpuSharing' | 'print'>;

/** Finds this machine's GPUs, unless the options give virtual ones. Never rejects; takes 5 s at most. */
export async function openGpus(options: Asked, { ownLog }: Pick<Foundations, 'ownLog'>): Promise<MachineGpus> {
  if (options.gpus !== undefined) return { gpus: options.gpus, slots: slotsFor(options, options.gpus) };
  const { gpus, warnings } = await findGpus(process.env);
  for (const sentence of warnings) {
    ownLog.info('gpus', sentence);
    options.print(sentence);
  }
  for (const { index, name, uuid } of gpus) ownLog.info('gpus', `GPU ${index}: ${name} (${uuid})`);
  return { gpus, slots: slotsFor(options, gpus) };
}

/** By default each GPU has one slot, so that each runner has its own. */
function slotsFor({ gpuSlots, gpuSharing }: Omit<Asked, 'print'>, gpus: readonly Gpu[]): number | undefined {
  if (gpuSlots !== undefined) return gpuSlots;
  return gpuSharing || gpus.length === 0 ? undefined : gpus.length;
}
