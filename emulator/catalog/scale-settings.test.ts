import { describe, expect, it } from 'vitest';
import {
  revisionDefaults,
  scaleDefaults,
  scaleForRegistration,
  settingsForRevision,
  updatedSettings,
} from './scale-settings.ts';

const existing = {
  scale: { ...scaleDefaults, keepAliveSeconds: 300, maxConcurrency: 5, requestStartTimeoutSeconds: 20 },
  validRegions: ['us-east'],
};

describe('scaleForRegistration', () => {
  it.each([
    [
      'a new alias takes the request, without scale too',
      undefined,
      { keepAliveSeconds: 60 },
      false,
      { ...scaleDefaults, keepAliveSeconds: 60 },
      ['eu-west'],
    ],
    ['a new alias takes defaults for what is absent', undefined, {}, true, scaleDefaults, ['eu-west']],
    [
      'a redeploy without scale keeps everything',
      existing,
      { keepAliveSeconds: 60, minConcurrency: 1 },
      false,
      existing.scale,
      ['us-east'],
    ],
    [
      'a redeploy with scale takes the request, absent ones by default',
      existing,
      { keepAliveSeconds: 60 },
      true,
      { ...scaleDefaults, keepAliveSeconds: 60 },
      ['eu-west'],
    ],
    [
      'undefined counts as absent',
      existing,
      { maxConcurrency: undefined, minConcurrency: 1 },
      true,
      { ...scaleDefaults, minConcurrency: 1 },
      ['eu-west'],
    ],
    [
      'null: no limit',
      undefined,
      { maxConcurrency: null },
      true,
      { ...scaleDefaults, maxConcurrency: null },
      ['eu-west'],
    ],
    ['a start timeout of 0 is none', undefined, { requestStartTimeoutSeconds: 0 }, true, scaleDefaults, ['eu-west']],
  ])('%s', (_, alias, requested, scale, expected, regions) => {
    expect(scaleForRegistration(alias, requested, ['eu-west'], scale)).toEqual({
      scale: expected,
      validRegions: regions,
    });
  });
});

describe('settingsForRevision', () => {
  const target = {
    scale: { ...scaleDefaults, keepAliveSeconds: 1 },
    settings: { ...revisionDefaults, maxMultiplexing: 8 },
    machineTypes: ['GPU-H100'],
    validRegions: [],
  };

  it("keeps the alias-level values of the active alias and takes the target's revision-level ones", () => {
    expect(settingsForRevision(existing, target)).toEqual({
      ...existing,
      settings: target.settings,
      machineTypes: ['GPU-H100'],
    });
  });

  it('takes everything from the revision for a new alias', () => {
    expect(settingsForRevision(undefined, target)).toEqual(target);
  });
});

describe('updatedSettings', () => {
  const present = { ...existing, settings: revisionDefaults, machineTypes: ['XS'] };

  it.each([
    ['nothing', {}, present],
    [
      'a field of the alias',
      { scale: { keepAliveSeconds: 7 } },
      { ...present, scale: { ...existing.scale, keepAliveSeconds: 7 } },
    ],
    ['a zero', { scale: { keepAliveSeconds: 0 } }, { ...present, scale: { ...existing.scale, keepAliveSeconds: 0 } }],
    [
      'a cleared start timeout',
      { scale: { requestStartTimeoutSeconds: 0 } },
      { ...present, scale: { ...existing.scale, requestStartTimeoutSeconds: null } },
    ],
    [
      'fields of the revision',
      { settings: { maxMultiplexing: 3, startupTimeoutSeconds: undefined } },
      { ...present, settings: { ...revisionDefaults, maxMultiplexing: 3 } },
    ],
    [
      'lists',
      { machineTypes: ['M'], validRegions: ['eu-west'] },
      { ...present, machineTypes: ['M'], validRegions: ['eu-west'] },
    ],
    [
      'a machine type with GPUs, of which the revision wants two',
      { machineTypes: ['GPU-H100'] },
      {
        ...present,
        machineTypes: ['GPU-H100'],
        settings: { ...revisionDefaults, gpuSlots: 2, gpuTypes: ['GPU-H100'] },
      },
    ],
    ['empty lists, which cannot be distinguished from absent ones', { machineTypes: [], validRegions: [] }, present],
  ])('changes only what is named: %s', (_, update, expected) => {
    expect(updatedSettings(present, update, 2)).toEqual(expected);
  });

  it('removes the GPU slots with the GPU machine type, and keeps them otherwise', () => {
    const onGpu = { ...present, machineTypes: ['GPU-H100'], settings: { ...revisionDefaults, gpuSlots: 2 } };
    expect(updatedSettings(onGpu, { machineTypes: ['M'] }, 2).settings.gpuSlots).toBe(0);
    expect(updatedSettings(onGpu, { settings: { maxMultiplexing: 3 } }, 2).settings.gpuSlots).toBe(2);
  });
});
