import type { RevisionSettings } from '../scheduler/types.ts';

/** Memory of the machine types in MiB, as the documentation lists it; the others aren't in its list. */
const memoryMib: { readonly [type: string]: number } = {
  XS: 512,
  S: 1024,
  M: 2 * 1024,
  L: 15 * 1024,
  XL: 30 * 1024,
  'GPU-RTX4090': 48 * 1024,
  'GPU-RTX5090': 60 * 1024,
  'GPU-A100': 60 * 1024,
  'GPU-L40': 100 * 1024,
  'GPU-H100': 112 * 1024,
  'GPU-H200': 112 * 1024,
  'GPU-B200': 210 * 1024,
  'GPU-A6000': 18 * 1024,
};

/** MiB of memory that a runner of this machine type has in the cloud; `undefined`: not documented. */
export function memoryOf(machineType: string): number | undefined {
  return Object.hasOwn(memoryMib, machineType) ? memoryMib[machineType] : undefined;
}

/** The smallest machine type of the same kind, with or without GPUs, that has more memory than this. */
export function roomierType(machineType: string, mib: number): string | undefined {
  const isGpu = machineType.startsWith('GPU');
  const [best] = Object.entries(memoryMib)
    .filter(([type, memory]) => type.startsWith('GPU') === isGpu && memory > mib)
    .sort(([, a], [, b]) => a - b);
  return best?.[0];
}

/**
 * The default where neither the code nor the alias names one, as the CLI states
 * (docs/platform/control-plane.md#scale-settings).
 */
export const defaultMachineType = 'XS';

/** The machine type that a runner starts on: the first of the list, which is in order of preference. */
export function firstMachineType(types: readonly string[] | undefined): string {
  return types?.[0] ?? defaultMachineType;
}

/**
 * The number of GPU slots that a runner takes on the first of these machine types: `num_gpus`, and at least one if the
 * type has GPUs.
 */
export function gpuSlotsOf(types: readonly string[], numGpus: number | null): number {
  return types[0]?.startsWith('GPU') ? Math.max(1, numGpus ?? 1) : 0;
}

/** The GPU part of a revision's settings: the slots of a runner, and the machine types whose GPUs it may get. */
export function gpuSettingsOf(
  types: readonly string[],
  numGpus: number | null,
): Pick<RevisionSettings, 'gpuSlots' | 'gpuTypes'> {
  const gpuSlots = gpuSlotsOf(types, numGpus);
  return gpuSlots === 0 ? { gpuSlots } : { gpuSlots, gpuTypes: types.filter((type) => type.startsWith('GPU')) };
}
