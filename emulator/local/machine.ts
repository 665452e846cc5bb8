import { availableParallelism, totalmem } from 'node:os';

export interface Machine {
  readonly memoryBytes: number;
  readonly cores: number;
}

/** The memory and cores that this process may use; a container's memory limit counts. */
export function machine(): Machine {
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return { memoryBytes: Math.min(totalmem(), limit), cores: availableParallelism() };
}

/**
 * A machine with less memory than the platform's smallest machine type (XS, docs/platform/runners.md#machine-types) has
 * no room for a runner.
 */
const bytesPerRunner = 512 * 1024 ** 2;
const runnersPerCore = 8;

/**
 * How many runners the machine has room for by default: one per 512 MiB of memory, eight per core, and at least four.
 * An app's real use isn't known before it runs: its machine type describes a machine in the cloud, not this one.
 */
export function roomForRunners({ memoryBytes, cores }: Machine): number {
  return Math.max(4, Math.min(Math.floor(memoryBytes / bytesPerRunner), cores * runnersPerCore));
}
