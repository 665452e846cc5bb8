import type { Gpu } from '../../local/gpus/gpu.ts';
import type { RunnerId } from '../../scheduler/types.ts';

/**
 * Which runner has which GPUs. How many runners there may be at a time is the scheduler's decision; this only picks the
 * least used GPUs for the next one. So each runner has its own as long as there is a slot per GPU.
 */
export interface GpuLedger {
  /** The GPUs of this machine from now on. Runners keep what they have. */
  setGpus(gpus: readonly Gpu[]): void;
  gpus(): readonly Gpu[];
  /** Takes `count` GPUs, or all if there are fewer. `name`: only of this model. */
  take(id: RunnerId, count: number, name?: string): readonly Gpu[];
  giveBack(id: RunnerId): void;
  /** The runners that have this GPU, in the order in which they took it. */
  holders(uuid: string): readonly RunnerId[];
}

/** `onUse`: called when the first runner takes GPUs, and when the last one gave them back. */
export function createGpuLedger(initial: readonly Gpu[], onUse: (inUse: boolean) => void = () => undefined): GpuLedger {
  let present = initial;
  const held = new Map<RunnerId, readonly Gpu[]>();

  const ledger: GpuLedger = {
    setGpus(gpus) {
      present = gpus;
    },
    gpus: () => present,
    take(id, count, name) {
      const suitable = name === undefined ? present : present.filter((gpu) => gpu.name === name);
      const byUse = suitable
        .map((gpu) => ({ gpu, use: ledger.holders(gpu.uuid).length }))
        .sort((a, b) => a.use - b.use);
      const taken = byUse.slice(0, count).map(({ gpu }) => gpu);
      if (taken.length > 0) held.set(id, taken);
      if (taken.length > 0 && held.size === 1) onUse(true);
      return taken;
    },
    giveBack(id) {
      if (held.delete(id) && held.size === 0) onUse(false);
    },
    holders: (uuid) => [...held].flatMap(([id, gpus]) => (gpus.some((gpu) => gpu.uuid === uuid) ? [id] : [])),
  };
  return ledger;
}

/**
 * The variables that let a runner see its GPUs and no others. No GPU of this machine is known: none, so that the app
 * sees what there is. A runner without a GPU (a CPU machine type, a virtual GPU) sees none, as in the cloud.
 */
export function gpuVariables(present: readonly Gpu[], taken: readonly Gpu[]): { readonly [name: string]: string } {
  if (present.length === 0 && taken.length === 0) return {};
  const uuids = taken.filter((gpu) => !gpu.virtual).map(({ uuid }) => uuid);
  return {
    CUDA_VISIBLE_DEVICES: uuids.join(','),
    NVIDIA_VISIBLE_DEVICES: uuids.length === 0 ? 'void' : uuids.join(','),
  };
}
