import { expect, it } from 'vitest';
import { restServer } from '../testing/rest.ts';

it('stops one runner for the owner, gracefully, and knows only runners that live', async () => {
  const { fleet, url, send } = await restServer();
  const stopped: unknown[] = [];
  fleet.stopRunner = (id, replaceFirst) => {
    stopped.push([id, replaceFirst]);
    return id === 'r-1';
  };
  expect((await fetch(url('/minifal/runners/r-1/stop'), { method: 'POST' })).status).toBe(401);
  expect(stopped).toEqual([]);
  expect((await send('POST', '/minifal/runners/r-1/stop')).status).toBe(200);
  expect(await send('POST', '/minifal/runners/r-2/stop')).toMatchObject({
    status: 404,
    json: { detail: 'Runner r-2 not found.' },
  });
  expect(stopped).toEqual([
    ['r-1', false],
    ['r-2', false],
  ]);
});
