import { expect, it } from 'vitest';
import { appRevisionsSchema } from '../../../wire/app-revisions.ts';
import { demo } from '../testing/demo.ts';
import { restServer } from '../testing/rest.ts';

const app = { ...demo, name: 'app--dev' };

it('lists the revisions of a deployed app for the owner', async () => {
  const { rooms, url, get } = await restServer();
  rooms.catalog.putAlias(app);
  expect((await fetch(url('/minifal/apps/app--dev/revisions'))).status).toBe(401);
  expect(await get('/minifal/apps/other/revisions')).toMatchObject({ status: 404 });
  const answer = appRevisionsSchema.parse((await get('/minifal/apps/app--dev/revisions')).json);
  expect(answer).toEqual({ alias: 'app--dev', active: 'r1', revisions: [] });
});

it('deletes an app for the owner, with its runners and waiting requests, once', async () => {
  const { rooms, fleet, url, send } = await restServer();
  const removed: string[] = [];
  fleet.removeAlias = (name) => void removed.push(name);
  rooms.catalog.putAlias(app);
  expect((await fetch(url('/minifal/apps/app--dev'), { method: 'DELETE' })).status).toBe(401);
  expect([removed, rooms.catalog.alias('app--dev')?.revision]).toEqual([[], 'r1']);
  expect(await send('DELETE', '/minifal/apps/app--dev')).toMatchObject({ status: 200, json: { revision: 'r1' } });
  expect(await send('DELETE', '/minifal/apps/app--dev')).toMatchObject({
    status: 404,
    json: { detail: 'App app--dev not found.' },
  });
  expect([removed, rooms.catalog.alias('app--dev')]).toEqual([['app--dev'], undefined]);
});
