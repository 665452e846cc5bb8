import type { Gpu } from './gpu.ts';

/** GiB of memory that the platform's table gives for each GPU (docs/platform/runners.md#machine-types). */
const memory: { readonly [name: string]: number } = {
  RTX4090: 24,
  RTX5090: 32,
  A100: 40,
  L40: 48,
  A6000: 48,
  H100: 80,
  H200: 141,
  B200: 192,
};

/** What `--gpus` accepts. */
export const gpuNames: readonly string[] = Object.keys(memory);

/** GB of memory of a machine type's GPU in the cloud; `undefined`: it has none, or an unknown amount. */
export function cloudMemoryGb(machineType: string): number | undefined {
  return memory[machineType.replace(/^GPU-/, '')];
}

const maxVirtual = 64;

/** `2xH100`, `H100` or `1xH100,2xRTX4090`: GPUs that exist only in the schedule; `undefined`: not such a text. */
export function virtualGpus(text: string): readonly Gpu[] | undefined {
  const gpus: Gpu[] = [];
  for (const part of text.split(',')) {
    const match = /^(?:(\d{1,2})x)?(?:GPU-)?([A-Z0-9]+)$/i.exec(part.trim());
    const name = match?.[2]?.toUpperCase() ?? '';
    const gigabytes = memory[name];
    if (gigabytes === undefined) return undefined;
    for (let left = Number(match?.[1] ?? '1'); left > 0; left -= 1) {
      const index = gpus.length;
      gpus.push({ uuid: `VIRTUAL-${index}`, index, name, memoryMib: gigabytes * 1024, virtual: true });
    }
  }
  return gpus.length > 0 && gpus.length <= maxVirtual ? gpus : undefined;
}
