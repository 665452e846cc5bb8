import { defaultMachineTypes } from '../../../catalog/scale-settings.ts';
import type { Blobs, FileRef, Revision } from '../../../catalog/types.ts';
import type { Fleet } from '../../../fleet/types.ts';
import type { RevisionSettings } from '../../../scheduler/types.ts';
import { invalidArgument } from '../rpc-error.ts';
import type { RunRequest } from '../runs/schemas.ts';
import type { MachineRequirements, RegisterRequest, SerializedObject } from './schemas.ts';

/**
 * What Run and RegisterApplication run, with its bytes stored: a function, an entry point, or an image's own command
 * (docs/platform/control-plane.md#what-is-to-run).
 */
export function storeCallable(request: RunRequest | RegisterRequest, blobs: Blobs): Revision['callable'] {
  if (request.function !== undefined) return storePickle(request.function, blobs);
  if (request.entrypoint !== undefined) return { kind: 'entrypoint', name: request.entrypoint };
  if (request.environments[0]?.kind === 'container') return { kind: 'image' };
  throw invalidArgument('There is nothing to run: send a function, an entry point, or a container image.');
}

function storePickle({ method, definition }: SerializedObject, blobs: Blobs): Revision['callable'] {
  return { kind: 'pickle', method, blob: blobs.put(definition) };
}

/** The list takes precedence over the old single field. */
export function machineTypesOf(requirements: MachineRequirements | undefined): readonly string[] {
  if (requirements === undefined) return defaultMachineTypes;
  if (requirements.machine_types.length > 0) return requirements.machine_types;
  return requirements.machine_type ? [requirements.machine_type] : defaultMachineTypes;
}

/** @throws UserError if no GPU of this machine suits runners of these settings */
export function requireGpu({ fleet }: { readonly fleet: Pick<Fleet, 'gpuProblem'> }, settings: RevisionSettings): void {
  const problem = fleet.gpuProblem(settings);
  if (problem !== undefined) throw problem;
}

export function filesOf(request: RunRequest | RegisterRequest): readonly FileRef[] {
  return request.files.map((file) => ({ hash: file.hash, relativePath: file.relative_path }));
}

/** The port at which the app serves metrics of its own, if the message has one. */
export function metricsPortOf(requirements: MachineRequirements | undefined): { readonly metricsPort?: number } {
  return requirements?.metrics_port === undefined ? {} : { metricsPort: requirements.metrics_port };
}
