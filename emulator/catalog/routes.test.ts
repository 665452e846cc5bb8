import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTestStore } from '../queue/testing/requests.ts';
import { testFolder } from '../store/testing/folder.ts';
import { createCatalog } from './catalog.ts';
import { createRoutes } from './routes.ts';
import { revisionDefaults, scaleDefaults } from './scale-settings.ts';
import type { Route } from './types.ts';

function setUp() {
  const store = openTestStore(join(testFolder(), 'minifal.db'));
  const account = { userId: 'x|y', nickname: 'me', fullName: 'Me' };
  const catalog = createCatalog({ store, secretKey: Buffer.alloc(32), clock: () => 0, account });
  return { catalog, routes: createRoutes({ catalog }) };
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

  it('resolves an ephemeral app while it is there', () => {
    const { routes } = setUp();
    const route: Route = {
      alias: '0b9c0e3e-1d7e-4c43-9d4e-5b6f0f7f1a11',
      revision: 'r',
      authMode: 'public',
      requestStartTimeoutSeconds: null,
      privateLogs: true,
    };
    routes.addEphemeral(route);
    expect(routes.resolve('me', route.alias)).toEqual(route);
    expect(routes.resolve('you', route.alias)).toBeUndefined();
    routes.removeEphemeral(route.alias);
    expect(routes.resolve('me', route.alias)).toBeUndefined();
  });
});
