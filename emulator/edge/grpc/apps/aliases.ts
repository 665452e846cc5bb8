import type { z } from 'zod';
import { type AliasSettings, settingsForRevision } from '../../../catalog/scale-settings.ts';
import type { Alias } from '../../../catalog/types.ts';
import type { Deployment } from '../../../fleet/types.ts';
import type { GrpcRooms } from '../deps.ts';
import { requireEnvironment } from '../environment.ts';
import type { environmentFilterSchema } from '../fields.ts';
import { failedPrecondition, notFound } from '../rpc-error.ts';
import { aliasInfo, authModes } from './app-messages.ts';
import { requireGpu } from './prepare.ts';
import type { aliasSchema, setAliasSchema } from './schemas.ts';

/** ListAliases. */
export function listAliases(rooms: Pick<GrpcRooms, 'catalog' | 'fleet'>) {
  return (request: z.output<typeof environmentFilterSchema>): object => ({
    aliases: rooms.catalog.aliases(request.environment_name).map((alias) => aliasInfo(rooms, alias)),
  });
}

/**
 * SetAlias (`fal apps set-rev`, create_alias): alias-level settings stay unchanged, revision-level ones come from the
 * target revision (docs/platform/control-plane.md#scale-settings). Absent fields change nothing; the same revision with
 * another auth mode restarts nothing.
 */
export function setAlias(rooms: Pick<GrpcRooms, 'catalog' | 'fleet' | 'clock'>) {
  return async (request: z.output<typeof setAliasSchema>): Promise<object> => {
    requireEnvironment(rooms, request.environment_name);
    const revision = rooms.catalog.revision(request.revision);
    if (revision === undefined) throw notFound(`Revision ${request.revision} not found.`);
    const present = rooms.catalog.alias(request.alias);
    const moves = present?.revision !== revision.id;
    // UpdateApplication may have changed revision-level values of the active revision; the changes last until the next
    // deploy.
    const settings = present && !moves ? settingsOf(present) : settingsForRevision(present, revision);
    if (moves) requireGpu(rooms, settings.settings);
    const alias = nextAlias(rooms, request, present, { revision: revision.id, ...settings });
    if (present === undefined || !moves || request.deployment_strategy !== 'ROLLING') {
      rooms.catalog.putAlias(alias);
      if (moves) await rooms.fleet.deploy(deployment(alias, 'recreate'));
      return { alias_info: aliasInfo(rooms, alias) };
    }
    const moved = await rooms.fleet.deploy(deployment(alias, 'rolling'));
    if (moved.kind === 'failed') throw failedPrecondition(moved.reason);
    // The alias's current values: it may have been scaled while the new runner started.
    const now = rooms.catalog.alias(request.alias);
    const after = nextAlias(rooms, request, now, { revision: revision.id, ...settingsForRevision(now, revision) });
    rooms.catalog.putAlias(after);
    return { alias_info: aliasInfo(rooms, after) };
  };
}

function nextAlias(
  { clock }: Pick<GrpcRooms, 'clock'>,
  request: z.output<typeof setAliasSchema>,
  present: Alias | undefined,
  made: AliasSettings & Pick<Alias, 'revision'>,
): Alias {
  const asked = request.auth_mode === undefined ? undefined : authModes[request.auth_mode];
  return {
    ...made,
    name: request.alias,
    environmentName: present?.environmentName ?? request.environment_name,
    authMode: asked ?? present?.authMode ?? 'private',
    updatedAt: clock(),
  };
}

function settingsOf({ scale, settings, machineTypes, validRegions }: Alias): AliasSettings {
  return { scale, settings, machineTypes, validRegions };
}

function deployment(alias: Alias, strategy: Deployment['strategy']): Deployment {
  return { alias: alias.name, revision: alias.revision, scale: alias.scale, settings: alias.settings, strategy };
}

/**
 * DeleteAlias: its runners end and its waiting requests fail; the revisions stay listed. Clients read NOT_FOUND as
 * "nothing deleted".
 */
export function deleteAlias({ catalog, fleet }: Pick<GrpcRooms, 'catalog' | 'fleet'>) {
  return (request: z.output<typeof aliasSchema>): object => {
    const removed = catalog.deleteAlias(request.alias);
    if (removed === undefined) throw notFound(`Application "${request.alias}" not found.`);
    fleet.removeAlias(removed.name);
    return { revision: removed.revision };
  };
}
