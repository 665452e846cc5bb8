import { describe, expect, it } from 'vitest';
import { aliasOf, pointAlias, type Registration, revisionOf, strategyOf } from './registration.ts';
import { revisionDefaults, scaleDefaults } from './scale-settings.ts';
import type { Alias } from './types.ts';

const registration: Registration = {
  alias: 'greet',
  environmentName: 'main',
  environments: [{ kind: 'virtualenv', configuration: {} }],
  callable: { kind: 'entrypoint', name: 'app:main' },
  machineTypes: ['S'],
  numGpus: null,
  exposedPort: null,
  settings: revisionDefaults,
  scale: { keepAliveSeconds: 60 },
  resetsScale: false,
  validRegions: ['eu-west'],
  files: [],
  secretNames: null,
  metadata: null,
  sourceCode: null,
  privateLogs: false,
  authMode: undefined,
  isRolling: false,
  isDetached: false,
};
const now = 5;
const revision = revisionOf(registration, 'r2', now);
const present: Alias = {
  name: 'greet',
  environmentName: 'main',
  revision: 'r1',
  authMode: 'public',
  scale: { ...scaleDefaults, keepAliveSeconds: 300 },
  settings: revisionDefaults,
  machineTypes: ['M'],
  validRegions: ['us-east'],
  updatedAt: 1,
};

describe('a registration', () => {
  it('makes a revision from its own values, and from no value of the alias', () => {
    const { resetsScale: _, authMode: _mode, isRolling: _rolling, isDetached: _detached, ...own } = registration;
    const scale = { ...scaleDefaults, keepAliveSeconds: 60 };
    expect(revision).toEqual({ ...own, id: 'r2', createdAt: now, scale });
  });

  it.each([
    ['a new name is private, with the requested scale', {}, undefined, 'private', 60, ['eu-west']],
    ['a redeploy keeps who may call and the scale', {}, present, 'public', 300, ['us-east']],
    ['a redeploy may say who may call', { authMode: 'shared' }, present, 'shared', 300, ['us-east']],
    ['a redeploy may set the scale', { resetsScale: true }, present, 'public', 60, ['eu-west']],
  ] as const)('%s', (_, requested, before, authMode, keepAliveSeconds, validRegions) => {
    const alias = aliasOf({ ...registration, ...requested }, revision, before, now);
    expect(alias).toMatchObject({ name: 'greet', revision: 'r2', machineTypes: ['S'], updatedAt: now });
    expect(alias).toMatchObject({ authMode, validRegions, scale: { keepAliveSeconds } });
  });

  it.each([
    [false, false, present, 'recreate'],
    [false, true, present, 'recreate'],
    [true, false, present, 'rolling'],
    [true, true, present, 'detached'],
    [true, false, undefined, 'recreate'],
    [true, true, undefined, 'recreate'],
  ] as const)('rolling: %s, detached: %s, after %o: %s', (isRolling, isDetached, before, strategy) => {
    expect(strategyOf({ isRolling, isDetached }, before)).toBe(strategy);
  });
});

describe('pointing an alias', () => {
  /** A catalog with this alias, and what is written to it and deployed, in order. */
  function bed(result: Awaited<ReturnType<Parameters<typeof pointAlias>[0]['deploy']>>, before: Alias | undefined) {
    const actions: string[] = [];
    let alias = before;
    const rooms = {
      catalog: {
        alias: () => alias,
        putAlias(put: Alias) {
          alias = put;
          actions.push(`put ${put.revision}, keep_alive ${put.scale.keepAliveSeconds}`);
        },
      },
      clock: () => now,
      deploy: async ({ strategy }: { readonly strategy: string }) => {
        actions.push(strategy);
        // The app is scaled in the meantime.
        if (alias && strategy === 'rolling') alias = { ...alias, scale: { ...alias.scale, keepAliveSeconds: 77 } };
        return result;
      },
    };
    return { rooms, actions };
  }
  const moved = { kind: 'moved' } as const;
  const failed = { kind: 'failed', reason: 'It crashed.' } as const;

  it.each([
    ['at once', {}, present, moved, ['put r2, keep_alive 300', 'recreate'], moved],
    ['at once, whatever becomes of its runners', {}, present, failed, ['put r2, keep_alive 300', 'recreate'], moved],
    [
      'at once, detached',
      { isRolling: true, isDetached: true },
      present,
      moved,
      ['put r2, keep_alive 300', 'detached'],
      moved,
    ],
    [
      'when a runner is healthy, with the scale that it has by then',
      { isRolling: true },
      present,
      moved,
      ['rolling', 'put r2, keep_alive 77'],
      moved,
    ],
    ['never, when no runner is', { isRolling: true }, present, failed, ['rolling'], failed],
  ] as const)('happens %s', async (_, requested, before, result, expected, answer) => {
    const { rooms, actions } = bed(result, before);
    expect(await pointAlias(rooms, { ...registration, ...requested }, revision)).toEqual(answer);
    expect(actions).toEqual(expected);
  });
});
