import type { Fleet, GpuRoom } from '../fleet/types.ts';
import { findGpus } from '../local/gpus/find-gpus.ts';
import type { Gpu } from '../local/gpus/gpu.ts';
import { machineTypesOf } from '../local/gpus/gpu-models.ts';
import { createGpuMonitor, type GpuMonitor } from '../local/gpus/gpu-monitor.ts';
import type { Foundations } from './foundations.ts';
import type { EmulatorOptions } from './options.ts';

/** The GPUs that runners get. */
export interface MachineGpus {
  /** Those that were there at the start. */
  readonly gpus: readonly Gpu[];
  readonly room: GpuRoom;
  readonly monitor: Pick<GpuMonitor, 'setInUse' | 'sample' | 'memoryOf'>;
  /** From now on, the fleet is given GPUs that are plugged in, and loses those that are gone. */
  attach(fleet: Pick<Fleet, 'setGpus'>): void;
  close(): void;
}

type Asked = Pick<EmulatorOptions, 'gpus' | 'gpuSlots' | 'gpuSharing' | 'gpuMapping' | 'print'>;

/** Finds this machine's GPUs, unless the options give virtual ones. Never rejects; takes 5 s at most. */
export async function openGpus(options: Asked, ground: Pick<Foundations, 'ownLog'>): Promise<MachineGpus> {
  if (options.gpus !== undefined) return virtual(options, options.gpus);
  const say = (sentence: string): void => {
    ground.ownLog.info('gpus', sentence);
    options.print(sentence);
  };
  let { gpus, warnings } = await findGpus(process.env);
  let fleet: Pick<Fleet, 'setGpus'> | undefined;
  let closed = false;
  warnings.forEach(say);
  for (const gpu of gpus) ground.ownLog.info('gpus', `Found ${describe(gpu)}.`);

  async function lookAgain(): Promise<void> {
    const found = await findGpus(process.env);
    if (closed) return;
    for (const sentence of found.warnings) if (!warnings.includes(sentence)) say(sentence);
    warnings = found.warnings;
    const isIn = (list: readonly Gpu[]) => (gpu: Gpu) => list.some(({ uuid }) => uuid === gpu.uuid);
    const [gone, added] = [gpus.filter((gpu) => !isIn(found.gpus)(gpu)), found.gpus.filter((gpu) => !isIn(gpus)(gpu))];
    if (gone.length + added.length === 0) return;
    for (const gpu of gone) say(`${describe(gpu)} no longer answers; runners that start from now on don't get it.`);
    for (const gpu of added) say(`${describe(gpu)} is there now.`);
    gpus = found.gpus;
    monitor.expect(gpus);
    fleet?.setGpus(gpus, roomFor(options, gpus));
  }

  const monitor = createGpuMonitor({ env: process.env, onDoubt: () => void lookAgain() });
  monitor.expect(gpus);
  return {
    gpus,
    room: roomFor(options, gpus),
    monitor,
    attach(attached) {
      fleet = attached;
    },
    close() {
      closed = true;
      monitor.close();
    },
  };
}

function virtual(options: Asked, gpus: readonly Gpu[]): MachineGpus {
  const monitor = { setInUse: () => undefined, sample: () => undefined, memoryOf: () => undefined };
  return { gpus, room: roomFor(options, gpus), monitor, attach: () => undefined, close: () => undefined };
}

/** By default each GPU has one slot, so that each runner has its own. */
function roomFor({ gpuSlots, gpuSharing, gpuMapping }: Omit<Asked, 'print'>, gpus: readonly Gpu[]): GpuRoom {
  const slotsFor = (some: readonly Gpu[]) => gpuSlots ?? (gpuSharing || some.length === 0 ? undefined : some.length);
  const slots = slotsFor(gpus);
  if (gpuMapping !== 'strict') return { slots };
  const names = new Set(gpus.map(({ name }) => name));
  const kinds = [...names].map((name) => {
    const same = gpus.filter((gpu) => gpu.name === name);
    // All of one model have its machine types.
    const machineTypes = [...new Set(same.flatMap(machineTypesOf))];
    return { name, machineTypes, slots: slotsFor(same) ?? Number.POSITIVE_INFINITY };
  });
  return { slots, kinds };
}

function describe({ index, name, uuid }: Gpu): string {
  return `GPU ${index} (${name}, ${uuid})`;
}
