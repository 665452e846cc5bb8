import { expect, it } from 'vitest';
import { revisionDefaults, scaleDefaults } from '../../../catalog/scale-settings.ts';
import { appSettingsSchema } from '../../../wire/app-settings.ts';
import { restServer } from '../testing/rest.ts';

it('GET /minifal/apps/ALIAS/settings needs the key, and answers for deployed apps', async () => {
  const { rooms, url, get } = await restServer();
  rooms.catalog.putAlias({
    name: 'app--dev',
    environmentName: 'main',
    revision: 'r1',
    authMode: 'private',
    scale: { ...scaleDefaults, keepAliveSeconds: 30, maxConcurrency: null },
    settings: revisionDefaults,
    machineTypes: ['XS', 'S'],
    validRegions: [],
    updatedAt: 1,
  });
  expect((await fetch(url('/minifal/apps/app--dev/settings'))).status).toBe(401);
  expect(await get('/minifal/apps/other/settings')).toMatchObject({ status: 404 });
  const { alias, revision, settings } = appSettingsSchema.parse((await get('/minifal/apps/app--dev/settings')).json);
  expect([alias, revision, settings.keep_alive.value, settings.max_concurrency.value]).toEqual([
    'app--dev',
    'r1',
    30,
    null,
  ]);
});
