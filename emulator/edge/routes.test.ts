import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCatalog } from '../catalog/catalog.ts';
import { revisionDefaults, scaleDefaults } from '../catalog/scale-settings.ts';
import { openTestStore } from '../queue/testing/requests.ts';
import { testFolder } from '../store/testing/folder.ts';
import { executeAlias } from '../workflows/requests.ts';
import { testContents } from '../workflows/testing/contents.ts';
import { createWorkflows } from '../workflows/workflows.ts';
import { aliasOf, createRoutes, type Route } from './routes.ts';

function setUp() {
  const store = openTestStore(join(testFolder(), 'minifal.db'));
  const account = { userId: 'x|y', nickname: 'me', fullName: 'Me' };
  const catalog = createCatalog({ store, secretKey: Buffer.alloc(32), clock: () => 0, account });
  const workflows = createWorkflows({ store, clock: () => 0 });
  return { catalog, workflows, routes: createRoutes({ catalog, workflows }) };
}

describe('createRoutes', () => {
  it('resolves an alias by its wire name as it is now, for its owner: nickname, user id, that without provider', () => {
    const { catalog, routes } = setUp();
    const alias = {
      name: 'app--dev',
      environmentName: 'dev',
      revision: 'r1',
      authMode: 'shared' as const,
      scale: { ...scaleDefaults, requestStartTimeoutSeconds: 7 },
      settings: revisionDefaults,
      machineTypes: [],
      validRegions: [],
      updatedAt: 0,
    };
    catalog.putAlias(alias);
    expect(routes.resolve('me', 'app--dev')).toEqual({
      alias: 'app--dev',
      revision: 'r1',
      authMode: 'shared',
      requestStartTimeoutSeconds: 7,
      privateLogs: false,
    });
    expect([routes.resolve('x|y', 'app--dev'), routes.resolve('y', 'app--dev')].map((route) => route?.alias)).toEqual([
      'app--dev',
      'app--dev',
    ]);
    expect([routes.resolve('you', 'app--dev'), routes.resolve('me', 'app'), routes.resolve('ME', 'app--dev')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    catalog.putAlias({ ...alias, revision: 'r2' });
    expect(routes.resolve('me', 'app--dev')?.revision).toBe('r2');
    catalog.deleteAlias('app--dev');
    expect(routes.resolve('me', 'app--dev')).toBeUndefined();
  });

  it('resolves a workflow apart from apps, for the same spellings of its owner; a run of none is open to all', () => {
    const { catalog, workflows, routes } = setUp();
    workflows.create({ name: 'flow', title: '', contents: testContents({}, {}), isPublic: false });
    const route = { alias: 'workflows/flow', revision: 'workflow', authMode: 'private' };
    for (const owner of ['me', 'x|y', 'y']) expect(routes.resolve(`workflows/${owner}`, 'flow')).toMatchObject(route);
    for (const owner of ['workflows/you', 'workflows/', 'workflows', 'comfy/me', 'me']) {
      expect([owner, routes.resolve(owner, 'flow')]).toEqual([owner, undefined]);
    }
    expect(routes.resolve(`workflows/${catalog.account.nickname}`, 'none')).toBeUndefined();
    expect(routes.resolve('workflows', 'execute')).toMatchObject({ alias: executeAlias, authMode: 'shared' });
    expect([aliasOf('workflows/me', 'flow'), aliasOf('me', 'app')]).toEqual(['workflows/flow', 'app']);
  });

  it('resolves an ephemeral app while it exists', () => {
    const { routes } = setUp();
    const route: Route = {
      alias: '0b9c0e3e-1d7e-4c43-9d4e-5b6f0f7f1a11',
      revision: 'r',
      authMode: 'public',
      requestStartTimeoutSeconds: null,
      privateLogs: true,
    };
    routes.addEphemeral(route);
    expect(routes.resolve('me', route.alias)).toMatchObject(route);
    expect(routes.resolve('you', route.alias)).toBeUndefined();
    routes.removeEphemeral(route.alias);
    expect(routes.resolve('me', route.alias)).toBeUndefined();
  });
});
