import type { Fleet } from '../fleet/types.ts';
import type { GpuMonitor } from '../local/gpus/gpu-monitor.ts';
import type { Sample } from '../telemetry/samples/sample.ts';

type Usage = NonNullable<ReturnType<Fleet['usage']>>;
type HeldGpus = ReturnType<Fleet['gpus']>;

const mib = 1024 * 1024;

/** What each runner uses now, with its GPUs. */
export function samplesOf(
  at: number,
  usages: ReadonlyMap<string, Usage>,
  gpus: HeldGpus,
  use: Pick<GpuMonitor, 'sample' | 'memoryOf'>,
): readonly { readonly runnerId: string; readonly sample: Sample }[] {
  return [...usages].map(([runnerId, { cores, residentBytes }]) => ({
    runnerId,
    sample: {
      at,
      ...(cores === undefined ? {} : { cores }),
      memoryBytes: residentBytes,
      ...gpuPart(runnerId, gpus, use),
    },
  }));
}

/** A GPU that several runners share has the utilization and the power of all; only its memory is known for each. */
function gpuPart(
  runnerId: string,
  gpus: HeldGpus,
  use: Pick<GpuMonitor, 'sample' | 'memoryOf'>,
): Partial<Pick<Sample, 'gpuUtilization' | 'gpuMemoryBytes' | 'powerWatts'>> {
  const own = gpus.flatMap(({ gpu, runners }) => {
    const holder = runners.find(({ id }) => id === runnerId);
    if (holder === undefined) return [];
    const sample = use.sample(gpu.uuid);
    const ofProcesses = holder.pid === undefined ? undefined : use.memoryOf(gpu.uuid, holder.pid);
    const memoryMib = ofProcesses ?? (runners.length === 1 ? sample?.memoryUsedMib : undefined);
    return { utilization: sample?.utilization, memoryMib, watts: sample?.powerWatts };
  });
  const utilizations = own.flatMap(({ utilization }) => utilization ?? []);
  const memories = own.flatMap(({ memoryMib }) => memoryMib ?? []);
  const powers = own.flatMap(({ watts }) => watts ?? []);
  return {
    ...(utilizations.length === 0 ? {} : { gpuUtilization: sumOf(utilizations) / utilizations.length }),
    ...(memories.length === 0 ? {} : { gpuMemoryBytes: sumOf(memories) * mib }),
    ...(powers.length === 0 ? {} : { powerWatts: sumOf(powers) }),
  };
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
