import type { z } from 'zod';
import { scaleProblem, updatedSettings } from '../../../catalog/scale-settings.ts';
import type { Alias, Catalog } from '../../../catalog/types.ts';
import type { GrpcRooms } from '../deps.ts';
import { failedPrecondition, invalidArgument, notFound } from '../rpc-error.ts';
import { activeByRevision, aliasInfo, applicationInfo } from './app-messages.ts';
import { requireGpu } from './prepare.ts';
import type {
  applicationIdSchema,
  listApplicationsSchema,
  rolloutSchema,
  UpdateApplicationRequest,
} from './schemas.ts';
import { requestedUpdate } from './settings.ts';

/** ListApplications: revisions, newest first; without a name, the revisions of all names. */
export function listApplications(rooms: Pick<GrpcRooms, 'catalog' | 'fleet'>) {
  return (request: z.output<typeof listApplicationsSchema>): object => {
    // Counted once: an app may have many revisions and many runners.
    const active = activeByRevision(rooms, request.application_name);
    const revisions = rooms.catalog.revisions(request.environment_name, request.application_name);
    return { applications: revisions.map((revision) => applicationInfo(active, revision)) };
  };
}

/**
 * UpdateApplication: only the named fields change; empty lists change nothing
 * (docs/platform/control-plane.md#unary-rpcs, #scale-settings).
 */
export function updateApplication(rooms: Pick<GrpcRooms, 'catalog' | 'fleet' | 'clock'>) {
  return (request: UpdateApplicationRequest): object => {
    const present = aliasOrFail(rooms.catalog, request.application_name);
    const numGpus = rooms.catalog.revision(present.revision)?.numGpus ?? null;
    const settings = updatedSettings(present, requestedUpdate(request), numGpus);
    const alias: Alias = { ...present, ...settings, updatedAt: rooms.clock() };
    const problem = scaleProblem(alias.scale);
    if (problem !== undefined) throw invalidArgument(`The request is not valid: ${problem}.`);
    if (request.machine_types.length > 0) requireGpu(rooms, alias.settings);
    rooms.catalog.putAlias(alias);
    rooms.fleet.applySettings(alias.name, alias.scale, alias.settings);
    return { alias_info: aliasInfo(rooms, alias) };
  };
}

/** DeleteApplication: deletes a revision that no alias points to. */
export function deleteApplication({ catalog }: Pick<GrpcRooms, 'catalog'>) {
  return (request: z.output<typeof applicationIdSchema>): object => {
    const user = catalog.aliases(null).find((alias) => alias.revision === request.application_id);
    if (user !== undefined) {
      throw failedPrecondition(
        `Revision ${request.application_id} is the active revision of "${user.name}" and can't be deleted.`,
      );
    }
    if (!catalog.deleteRevision(request.application_id))
      throw notFound(`Revision ${request.application_id} not found.`);
    return {};
  };
}

/** RolloutApplication: starts the same revision on new runners; forced: at once. */
export function rolloutApplication({ catalog, fleet }: Pick<GrpcRooms, 'catalog' | 'fleet'>) {
  return (request: z.output<typeof rolloutSchema>): object => {
    const alias = aliasOrFail(catalog, request.application_name);
    fleet.rollout(alias.name, request.force ?? false);
    return {};
  };
}

function aliasOrFail(catalog: Catalog, name: string): Alias {
  const alias = catalog.alias(name);
  if (alias === undefined) throw notFound(`Application "${name}" not found.`);
  return alias;
}
