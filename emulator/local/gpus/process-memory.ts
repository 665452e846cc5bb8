import { processStat } from '../processes/stat.ts';
import type { GpuProcess } from './gpu.ts';

/** Deeper trees of processes aren't searched. */
const maxDepth = 32;

/**
 * MiB that a runner's processes use on a GPU; `undefined`: not known, e.g. in a container, where nvidia-smi lists no
 * processes. `main`: its main process. Its keeper, which is above it, adopts what outlives its parent.
 */
export function memoryOf(
  processes: readonly GpuProcess[],
  uuid: string,
  main: number,
  parentOf: (pid: number) => number | undefined = parentInProc,
): number | undefined {
  const keeper = parentOf(main);
  const isOwn = (pid: number): boolean => {
    let at: number | undefined = pid;
    for (let depth = 0; at !== undefined && at > 1 && depth < maxDepth; depth += 1) {
      if (at === main || at === keeper) return true;
      at = parentOf(at);
    }
    return false;
  };
  const own = processes.filter((one) => one.uuid === uuid && one.memoryMib !== undefined && isOwn(one.pid));
  return own.length === 0 ? undefined : own.reduce((sum, { memoryMib = 0 }) => sum + memoryMib, 0);
}

/** `undefined`: the process is gone, or this system has no /proc. */
function parentInProc(pid: number): number | undefined {
  const parent = Number(processStat(pid)?.(4));
  return Number.isInteger(parent) && parent > 0 ? parent : undefined;
}
