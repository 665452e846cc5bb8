import { expect, it } from 'vitest';
import { settingNames } from '../wire/app-settings.ts';
import { effectiveSettings } from './effective-settings.ts';
import { revisionDefaults, scaleDefaults } from './scale-settings.ts';
import type { Alias, Revision } from './types.ts';

const own = (keepAliveSeconds: number) => ({ ...scaleDefaults, keepAliveSeconds });
const alias = (change: Partial<Alias> = {}): Alias => ({
  name: 'app',
  environmentName: 'main',
  revision: 'r3',
  authMode: 'private',
  scale: scaleDefaults,
  settings: revisionDefaults,
  machineTypes: ['XS'],
  validRegions: [],
  updatedAt: 1,
  ...change,
});
const revision = (id: string, change: Partial<Revision> = {}): Revision => ({
  id,
  alias: 'app',
  environmentName: 'main',
  createdAt: 1,
  environments: [],
  callable: { kind: 'image' },
  machineTypes: ['XS'],
  numGpus: null,
  exposedPort: null,
  settings: revisionDefaults,
  scale: scaleDefaults,
  validRegions: [],
  files: [],
  secretNames: null,
  metadata: null,
  sourceCode: null,
  privateLogs: false,
  ...change,
});
const keepAlive = (seconds: number) =>
  effectiveSettings(alias({ scale: own(seconds) }), [
    revision('r4', { scale: own(7) }), // a newer one that isn't deployed
    revision('r3', { scale: own(60) }),
    revision('r2', { scale: own(30) }),
    revision('r1', { scale: own(30) }),
  ]).settings.keep_alive;

it('names the source of a value that deploys keep: the code, an earlier revision, or a later change', () => {
  const common = { default: 10, isKept: true };
  expect(keepAlive(60)).toEqual({ ...common, value: 60, source: 'code' });
  expect(keepAlive(30)).toEqual({ ...common, value: 30, source: 'kept', revision: 'r2' });
  expect(keepAlive(7)).toEqual({ ...common, value: 7, source: 'changed' });
});

it('knows that other values come with each revision', () => {
  const settings = { ...revisionDefaults, maxMultiplexing: 4 };
  const settingsOf = effectiveSettings(alias({ settings }), [revision('r3'), revision('r2', { settings })]).settings;
  expect(settingsOf.max_multiplexing).toEqual({ value: 4, default: 1, isKept: false, source: 'changed' });
  expect(settingsOf.machine_type).toEqual({ value: ['XS'], default: ['XS'], isKept: false, source: 'code' });
});

it('has every setting, also of an alias whose revision was deleted', () => {
  expect(Object.keys(effectiveSettings(alias(), []).settings)).toEqual([...settingNames]);
});
