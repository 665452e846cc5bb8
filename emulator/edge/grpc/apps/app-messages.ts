import type { Alias, AuthMode, Revision } from '../../../catalog/types.ts';
import type { RevisionSettings, Runner, ScaleSettings } from '../../../scheduler/types.ts';
import { timestampFromMs } from '../../../wire/struct.ts';
import type { GrpcRooms } from '../deps.ts';

const wireAuthModes = { private: 'PRIVATE', public: 'PUBLIC', shared: 'SHARED' } as const;
export const authModes: { readonly [wire in 'PRIVATE' | 'PUBLIC' | 'SHARED']: AuthMode } = {
  PRIVATE: 'private',
  PUBLIC: 'public',
  SHARED: 'shared',
};

/** The fields that AliasInfo and ApplicationInfo share. No limit reads as 0: the field has no presence. */
function settingsMessage(scale: ScaleSettings, settings: RevisionSettings) {
  return {
    keep_alive: scale.keepAliveSeconds,
    max_concurrency: scale.maxConcurrency ?? 0,
    min_concurrency: scale.minConcurrency,
    concurrency_buffer: scale.concurrencyBuffer,
    concurrency_buffer_perc: scale.concurrencyBufferPerc,
    scaling_delay_seconds: scale.scalingDelaySeconds,
    request_timeout: scale.requestTimeoutSeconds,
    // Presence matters: unset means that the app has no default.
    ...(scale.requestStartTimeoutSeconds === null ? {} : { request_start_timeout: scale.requestStartTimeoutSeconds }),
    max_multiplexing: settings.maxMultiplexing,
    startup_timeout: settings.startupTimeoutSeconds,
  };
}

/** `AliasInfo`: the alias under its wire name, with its current settings. */
export function aliasInfo({ fleet }: Pick<GrpcRooms, 'fleet'>, alias: Alias): object {
  return {
    alias: alias.name,
    revision: alias.revision,
    auth_mode: wireAuthModes[alias.authMode],
    ...settingsMessage(alias.scale, alias.settings),
    machine_types: alias.machineTypes,
    valid_regions: alias.validRegions,
    active_runners: fleet.runners(alias.name).filter(isActive).length,
    environment_name: alias.environmentName,
    is_rolling: fleet.isRolling(alias.name),
  };
}

/** The number of active runners of the app, or of all apps, by revision. */
export function activeByRevision(
  { fleet }: Pick<GrpcRooms, 'fleet'>,
  alias: string | undefined,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { revision } of fleet.runners(alias).filter(isActive))
    counts.set(revision, (counts.get(revision) ?? 0) + 1);
  return counts;
}

/** `ApplicationInfo`: a revision with the values from its registration. */
export function applicationInfo(active: ReadonlyMap<string, number>, revision: Revision): object {
  return {
    application_id: revision.id,
    created_at: timestampFromMs(revision.createdAt),
    ...settingsMessage(revision.scale, revision.settings),
    machine_types: revision.machineTypes,
    valid_regions: revision.validRegions,
    active_runners: active.get(revision.id) ?? 0,
    environment_name: revision.environmentName,
  };
}

/** Counted as in the CLI: not pending, in setup, or terminated (docs/platform/control-plane.md#unary-rpcs). */
function isActive({ state }: Runner): boolean {
  return state.kind === 'idle' || state.kind === 'running' || state.kind === 'draining';
}
