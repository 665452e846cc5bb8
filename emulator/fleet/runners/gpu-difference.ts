import type { Gpu } from '../../local/gpus/gpu.ts';
import { cloudMemoryGb } from '../../local/gpus/virtual-gpus.ts';

/** What `num_gpus` and the machine type ask for. */
interface Wanted {
  readonly machineType: string;
  readonly count: number;
}

/**
 * How the GPUs of a runner differ from those of its machine type in the cloud, in a sentence; `undefined`: not at all,
 * or not known. nvidia-smi reports a few percent less memory than is sold.
 */
export function gpuDifference({ machineType, count }: Wanted, taken: readonly Gpu[]): string | undefined {
  const [first] = taken;
  if (first === undefined) return undefined;
  const parts = [];
  if (taken.length < count) parts.push(`${count} GPUs there, ${taken.length} here`);
  const there = cloudMemoryGb(machineType);
  const mib = first.memoryMib;
  if (there !== undefined && mib !== undefined && !(Math.abs(mib / 1024 / there - 1) < 0.1))
    parts.push(`${there} GB of memory there, ${Math.round(mib / 1024)} GB here`);
  if (parts.length === 0) return undefined;
  return `${machineType} is ${first.virtual ? `a virtual ${first.name}` : first.name} here: ${parts.join('; ')}.`;
}
