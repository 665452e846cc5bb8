import type { AppSettings } from '../wire/app-settings.ts';
import { defaultMachineTypes, revisionDefaults, scaleDefaults } from './scale-settings.ts';
import type { Alias, Revision } from './types.ts';

type Name = keyof AppSettings['settings'];
type Setting = AppSettings['settings'][Name];
type Value = Setting['value'];
type Holder = Pick<Alias, 'scale' | 'settings' | 'machineTypes' | 'validRegions'>;

/** How each setting is read from an alias or a revision. */
const readers: { readonly [N in Name]: { readonly read: (holder: Holder) => Value; readonly isKept: boolean } } = {
  keep_alive: ofAlias(({ scale }) => scale.keepAliveSeconds),
  min_concurrency: ofAlias(({ scale }) => scale.minConcurrency),
  max_concurrency: ofAlias(({ scale }) => scale.maxConcurrency),
  concurrency_buffer: ofAlias(({ scale }) => scale.concurrencyBuffer),
  concurrency_buffer_perc: ofAlias(({ scale }) => scale.concurrencyBufferPerc),
  scaling_delay: ofAlias(({ scale }) => scale.scalingDelaySeconds),
  request_timeout: ofAlias(({ scale }) => scale.requestTimeoutSeconds),
  request_start_timeout: ofAlias(({ scale }) => scale.requestStartTimeoutSeconds),
  regions: ofAlias(({ validRegions }) => [...validRegions]),
  machine_type: ofRevision(({ machineTypes }) => [...machineTypes]),
  max_multiplexing: ofRevision(({ settings }) => settings.maxMultiplexing),
  startup_timeout: ofRevision(({ settings }) => settings.startupTimeoutSeconds),
  termination_grace_period_seconds: ofRevision(({ settings }) => settings.terminationGraceSeconds),
};

const defaults: Holder = {
  scale: scaleDefaults,
  settings: revisionDefaults,
  machineTypes: defaultMachineTypes,
  validRegions: [],
};

/**
 * The settings of an alias in effect, each with its source (docs/platform/control-plane.md#scale-settings).
 * `revisions`: those of the alias, newest first. Pure.
 */
export function effectiveSettings(alias: Alias, revisions: readonly Revision[]): AppSettings {
  const at = revisions.findIndex(({ id }) => id === alias.revision);
  const [current, ...earlier] = at < 0 ? [] : revisions.slice(at);
  const names = Object.keys(readers) as readonly Name[];
  const settings = Object.fromEntries(names.map((name) => [name, settingOf(name, alias, current, earlier)]));
  return { alias: alias.name, revision: alias.revision, settings: settings as { [N in Name]: Setting } };
}

function settingOf(name: Name, alias: Alias, current: Revision | undefined, earlier: readonly Revision[]): Setting {
  const { read, isKept } = readers[name];
  const value = read(alias);
  const has = (holder: Holder) => JSON.stringify(read(holder)) === JSON.stringify(value);
  const common = { value, default: read(defaults), isKept };
  if (current && has(current)) return { ...common, source: 'code' };
  const origin = isKept ? earlier.find(has) : undefined;
  return origin ? { ...common, source: 'kept', revision: origin.id } : { ...common, source: 'changed' };
}

/** The alias has it, and keeps it over deploys. */
function ofAlias(read: (holder: Holder) => Value) {
  return { read, isKept: true };
}

/** Each revision brings its own. */
function ofRevision(read: (holder: Holder) => Value) {
  return { read, isKept: false };
}
