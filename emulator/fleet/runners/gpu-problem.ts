import { suitsNoGpu } from '../../scheduler/machine/gpu-slots.ts';
import type { World } from '../../scheduler/step.ts';
import type { RevisionSettings } from '../../scheduler/types.ts';
import { UserError } from '../../wire/errors.ts';
import { noGpuOfType } from '../../wire/reasons.ts';

/** Why runners of these settings would wait forever for a GPU here; `undefined`: they wouldn't. */
export function gpuProblem(world: World, settings: RevisionSettings): UserError | undefined {
  if (!suitsNoGpu(world, settings)) return undefined;
  const { gpuTypes = [], gpuSlots } = settings;
  const kinds = world.limits.gpuKinds ?? [];
  const has = kinds.map(({ name, slots }) => (slots > 1 && Number.isFinite(slots) ? `${slots} x ${name}` : name));
  const types = [...new Set(kinds.flatMap(({ machineTypes }) => machineTypes))];
  const other = types.length === 0 ? 'Start' : `Set \`machine_type\` to ${types.join(' or ')}, or start`;
  return new UserError(
    'GPU_TYPE_MISSING',
    `${noGpuOfType(gpuTypes.join(' or '), gpuSlots)}. It has ${has.length === 0 ? 'no GPU' : has.join(', ')}.`,
    `${other} minifal with \`--gpu-mapping any\`, or with virtual GPUs (\`--gpus\`).`,
  );
}
