import type { RevisionSettings, ScaleSettings } from '../scheduler/types.ts';
import { defaultMachineType, gpuSettingsOf } from './machine-types.ts';
import type { Alias, Revision } from './types.ts';

/** Values as given in a request: absent means "not given". */
export type Requested<T> = { readonly [K in keyof T]?: T[K] | undefined };

/**
 * The defaults where neither request nor alias gives a value: the values that the CLI names as the server's defaults
 * (fal/cli/deploy_check.py, SERVER_DEFAULT_SCALE_VALUES). Fal's own sources disagree on `maxConcurrency`: the CLI says
 * 2, the documentation names no limit (docs/platform/runners.md#scaling).
 */
export const scaleDefaults: ScaleSettings = {
  keepAliveSeconds: 10,
  minConcurrency: 0,
  maxConcurrency: 2,
  concurrencyBuffer: 0,
  concurrencyBufferPerc: 0,
  scalingDelaySeconds: 0,
  requestTimeoutSeconds: 3600,
  requestStartTimeoutSeconds: null,
};

/** docs/platform/runners.md#shutdown, #start-up-and-health and #scaling. */
export const revisionDefaults: RevisionSettings = {
  maxMultiplexing: 1,
  gpuSlots: 0,
  startupTimeoutSeconds: 600,
  terminationGraceSeconds: 5,
  health: {
    path: null,
    method: 'GET',
    startPeriodSeconds: 30,
    timeoutSeconds: 5,
    failureThreshold: 3,
    callRegularly: true,
  },
  skipRetry: [],
  retries: {},
};

export const defaultMachineTypes: readonly string[] = [defaultMachineType];

/** The values that an alias carries in addition to its revision. Calls are handled according to all of them. */
export type AliasSettings = Pick<Alias, 'scale' | 'settings' | 'machineTypes' | 'validRegions'>;

/**
 * A registration's effect on the alias-level values (docs/platform/control-plane.md#scale-settings): a new alias and
 * `scale: true` take them from the request, with defaults for absent ones; a redeploy without `scale` keeps the alias's
 * values.
 */
export function scaleForRegistration(
  existing: Pick<Alias, 'scale' | 'validRegions'> | undefined,
  requested: Requested<ScaleSettings>,
  validRegions: readonly string[],
  scale: boolean,
): Pick<Alias, 'scale' | 'validRegions'> {
  if (existing && !scale) return { scale: existing.scale, validRegions: existing.validRegions };
  return { scale: withRequested(defaultsFor(requested), requested), validRegions };
}

/** If a request asks for a minimum of runners above the default maximum, it wants them: the default is raised. */
function defaultsFor({ minConcurrency = 0 }: Requested<ScaleSettings>): ScaleSettings {
  const { maxConcurrency } = scaleDefaults;
  return { ...scaleDefaults, maxConcurrency: maxConcurrency && Math.max(maxConcurrency, minConcurrency) };
}

/** A sentence if the two limits contradict each other. */
export function scaleProblem({
  minConcurrency: min,
  maxConcurrency: max,
}: Pick<Requested<ScaleSettings>, 'minConcurrency' | 'maxConcurrency'>): string | undefined {
  if (min === undefined || max === undefined || max === null || min <= max) return undefined;
  return `min_concurrency ${min} is above max_concurrency ${max}; raise max_concurrency, too`;
}

/** Set-rev and rollback: alias-level values stay with the alias, revision-level ones come from the revision. */
export function settingsForRevision(
  active: Pick<Alias, 'scale' | 'validRegions'> | undefined,
  target: Pick<Revision, 'scale' | 'settings' | 'machineTypes' | 'validRegions'>,
): AliasSettings {
  return {
    scale: active?.scale ?? target.scale,
    validRegions: active?.validRegions ?? target.validRegions,
    settings: target.settings,
    machineTypes: target.machineTypes,
  };
}

export interface SettingsUpdate {
  readonly scale?: Requested<ScaleSettings>;
  readonly settings?: Requested<RevisionSettings>;
  /**
   * Empty means unchanged: repeated fields have no presence on the wire (docs/platform/control-plane.md#unary-rpcs).
   */
  readonly machineTypes?: readonly string[];
  readonly validRegions?: readonly string[];
}

/** UpdateApplication: both groups may change, but only named values do. `numGpus` is the revision's. */
export function updatedSettings(present: AliasSettings, update: SettingsUpdate, numGpus: number | null): AliasSettings {
  const machineTypes = update.machineTypes?.length ? update.machineTypes : undefined;
  const gpus = machineTypes && gpuSettingsOf(machineTypes, numGpus);
  return {
    scale: withRequested(present.scale, update.scale ?? {}),
    settings: { ...present.settings, ...defined({ ...update.settings, ...gpus }) },
    machineTypes: machineTypes ?? present.machineTypes,
    validRegions: update.validRegions?.length ? update.validRegions : present.validRegions,
  };
}

function withRequested(base: ScaleSettings, requested: Requested<ScaleSettings>): ScaleSettings {
  const result = { ...base, ...defined(requested) };
  // 0 clears it (docs/platform/control-plane.md#unary-rpcs); as a deadline, it would fail every request.
  return result.requestStartTimeoutSeconds === 0 ? { ...result, requestStartTimeoutSeconds: null } : result;
}

/** The object without its undefined values, so that spreading it never overwrites a value with "not given". */
function defined<T extends object>(said: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const result: { [K in keyof T]?: Exclude<T[K], undefined> } = {};
  for (const key in said) {
    const value = said[key];
    if (isDefined(value)) result[key] = value;
  }
  return result;
}

function isDefined<V>(value: V): value is Exclude<V, undefined> {
  return value !== undefined;
}
