import type { Strategy } from '../scheduler/events.ts';
import type { ScaleSettings } from '../scheduler/types.ts';
import { type Requested, scaleForRegistration } from './scale-settings.ts';
import type { Alias, AuthMode, Catalog, Revision } from './types.ts';

/** The values that an app is registered with; absent ones were not given. */
export interface Registration extends Omit<Revision, 'id' | 'createdAt' | 'scale'> {
  readonly scale: Requested<ScaleSettings>;
  /** A redeploy sets the scale values too; absent ones get their defaults. */
  readonly resetsScale: boolean;
  /** `undefined`: the alias's current value. */
  readonly authMode: AuthMode | undefined;
  /** The alias moves when a runner of the new revision is healthy. */
  readonly isRolling: boolean;
  /** The client doesn't wait for that. */
  readonly isDetached: boolean;
}

/** The revision of a registration: only its own values, whatever the alias has. */
export function revisionOf(registration: Registration, id: string, now: number): Revision {
  const { scale, resetsScale: _, authMode: _mode, isRolling: _rolling, isDetached: _detached, ...own } = registration;
  return { id, createdAt: now, ...own, ...scaleForRegistration(undefined, scale, own.validRegions, true) };
}

/** The alias after a registration; `present`: the alias before it. */
export function aliasOf(
  registration: Registration,
  { id, alias: name, environmentName, settings, machineTypes }: Revision,
  present: Alias | undefined,
  now: number,
): Alias {
  const { authMode, scale, validRegions, resetsScale } = registration;
  return {
    name,
    environmentName,
    revision: id,
    authMode: authMode ?? present?.authMode ?? 'private',
    ...scaleForRegistration(present, scale, validRegions, resetsScale),
    settings,
    machineTypes,
    updatedAt: now,
  };
}

/**
 * When calls go to the new revision. Recreate and first registration: at once, and no runner is started. Rolling: when
 * a runner of the new revision is healthy. Rolling and detached: at once, and its runner is started then.
 */
export function strategyOf(
  { isRolling, isDetached }: Pick<Registration, 'isRolling' | 'isDetached'>,
  present: Alias | undefined,
): Strategy {
  if (!isRolling || present === undefined) return 'recreate';
  return isDetached ? 'detached' : 'rolling';
}

type Deployed = { readonly kind: 'moved' } | { readonly kind: 'failed'; readonly reason: string };

/**
 * Points the alias to the revision of a registration, and calls `deploy` to do the same for its runners. If a rolling
 * deploy fails, the old revision stays in place; a failure after the alias was moved at once is not reported as an
 * error.
 */
export async function pointAlias(
  {
    catalog,
    clock,
    deploy,
  }: {
    readonly catalog: Pick<Catalog, 'alias' | 'putAlias'>;
    readonly clock: () => number;
    readonly deploy: (
      order: Pick<Alias, 'scale' | 'settings' | 'revision'> & { readonly alias: string; readonly strategy: Strategy },
    ) => Promise<Deployed>;
  },
  registration: Registration,
  revision: Revision,
): Promise<Deployed> {
  const present = catalog.alias(revision.alias);
  const strategy = strategyOf(registration, present);
  const alias = aliasOf(registration, revision, present, clock());
  const { name, scale, settings } = alias;
  if (strategy !== 'rolling') catalog.putAlias(alias);
  const deployed = await deploy({ alias: name, revision: revision.id, scale, settings, strategy });
  if (strategy !== 'rolling') return { kind: 'moved' };
  // The alias's current values: it may have been scaled while the new runner started.
  if (deployed.kind === 'moved') catalog.putAlias(aliasOf(registration, revision, catalog.alias(name), clock()));
  return deployed;
}
