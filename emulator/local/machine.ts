import { availableParallelism, totalmem } from 'node:os';

export interface Machine {
  readonly memoryBytes: number;
  readonly cores: number;
}

/** What this process may use of the machine; a container's limit of memory counts. */
export function machine(): Machine {
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return { memoryBytes: Math.min(totalmem(), limit), cores: availableParallelism() };
}

/**
 * Less memory than the smallest machine type of the platform has (XS, docs/platform/runners.md#machine-types) is no
 * room for a runner.
 */
const bytesPerRunner = 512 * 1024 ** 2;
const runnersPerCore = 8;

/**
 * How many runners the machine has room for, where nobody says otherwise: one per 512 MiB of memory, eight per core,
 * and at least four. What an app really takes isn't known before it runs: its machine type is one of the cloud, and
 * says nothing about this machine.
 */
export function roomForRunners({ memoryBytes, cores }: Machine): number {
  return Math.max(4, Math.min(Math.floor(memoryBytes / bytesPerRunner), cores * runnersPerCore));
}
