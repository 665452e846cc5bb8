import { memoryOf, roomierType } from '../../catalog/machine-types.ts';
import type { Usages } from '../../local/processes/usage.ts';
import type { MachineLimitMode } from '../../wire/machine-limits.ts';

/** A runner that has a process on this machine. */
export interface Measured {
  readonly id: string;
  readonly pid: number;
  readonly machineType: string;
  /** Its GPU slots: a machine with several GPUs has the memory of several. */
  readonly gpuSlots: number;
}

export interface MemoryLimits {
  /**
   * Looks at what all runners use now. Resolves with the milliseconds that exact figures took: they are read for few
   * runners, and can take long.
   */
  check(runners: readonly Measured[], usages: Usages): Promise<number>;
}

const bytesPerMib = 1024 * 1024;

/**
 * Notices that a runner uses more memory than its machine type has, and then warns once, or ends it. In the cloud it's
 * the kernel that ends such a runner, so this is no decision of the scheduler: it only sees that the runner has ended.
 */
export function createMemoryLimits(deps: {
  readonly mode: MachineLimitMode;
  /** The bytes that these processes alone need, if they are more than `limit`: exact, but slow. Never rejects. */
  readonly memoryBeyond: (pids: readonly number[], limit: number) => Promise<number | undefined>;
  /** What the runner's log should say. */
  readonly warn: (id: string, text: string) => void;
  readonly end: (id: string, reason: string) => void;
}): MemoryLimits {
  const { mode } = deps;
  const warned = new Set<string>();
  return {
    async check(runners, usages) {
      if (mode === 'off') return 0;
      const present = new Set(runners.map(({ id }) => id));
      for (const id of warned) if (!present.has(id)) warned.delete(id);
      let exactMs = 0;
      for (const runner of runners) {
        const usage = usages.of.get(runner.pid);
        if (usage === undefined || warned.has(runner.id)) continue;
        const limit = limitOf(runner);
        // The sum counts what processes share several times, so only the exact figure proves that it is too much.
        if (usage.residentBytes <= limit) continue;
        const before = performance.now();
        const bytes = await deps.memoryBeyond(usage.pids, limit);
        exactMs += performance.now() - before;
        if (bytes === undefined) continue;
        warned.add(runner.id);
        if (mode === 'enforce') deps.end(runner.id, endReason(runner, bytes));
        else deps.warn(runner.id, warning(runner, bytes));
      }
      return exactMs;
    },
  };
}

type OfType = Pick<Measured, 'machineType' | 'gpuSlots'>;

/** The memory of a machine, in bytes; infinite if it isn't known. */
export function limitOf({ machineType, gpuSlots }: OfType): number {
  return (memoryOf(machineType) ?? Number.POSITIVE_INFINITY) * Math.max(1, gpuSlots) * bytesPerMib;
}

function warning(runner: Measured, bytes: number): string {
  const there = `${runner.machineType} has ${sizeOf(limitOf(runner))}, and the cloud would have ended it`;
  return `This app uses ${sizeOf(bytes)} of memory; ${there}.${advice(runner, bytes)}`;
}

/** Why a runner ended that its engine didn't give more memory. */
export function outOfMemory(runner: OfType): string {
  const limit = limitOf(runner);
  const there = `${sizeOf(limit)}, which ${runner.machineType} has`;
  return `Out of memory: it needed more than ${there}.${advice(runner, limit)}`;
}

function endReason(runner: Measured, bytes: number): string {
  const used = `it used ${sizeOf(bytes)}, and ${runner.machineType} has ${sizeOf(limitOf(runner))}`;
  return `Out of memory: ${used}.${advice(runner, bytes)}`;
}

function advice(runner: OfType, bytes: number): string {
  const machineType = roomierType(runner.machineType, bytes / bytesPerMib / Math.max(1, runner.gpuSlots));
  return machineType === undefined
    ? ''
    : ` Set machine_type = "${machineType}" (${sizeOf(limitOf({ ...runner, machineType }))}).`;
}

/**
 * As the platform's list of machine types has it: 512 MB, 2 GB, 1.5 GB. Rounded up, so that what is more than a limit
 * also looks so.
 */
function sizeOf(bytes: number): string {
  const mib = Math.ceil(bytes / bytesPerMib);
  return mib < 1024 ? `${mib} MB` : `${Math.ceil((mib * 10) / 1024) / 10} GB`;
}
