import { describe, expect, it } from 'vitest';
import { rawContents } from '../../workflows/testing/contents.ts';
import { restServer } from './testing/rest.ts';

const contents = rawContents({ a: [{ x: '$input.x' }] }, { y: '$a.y' });
const workflow = { name: 'flow_1', title: 'A flow', contents, is_public: true };

describe('workflows', () => {
  it('are published, changed, found, listed and deleted with the statuses that the client expects', async () => {
    const { send, get, rooms } = await restServer();
    const { nickname, userId } = rooms.catalog.account;
    const detail = { ...workflow, user_id: userId, user_nickname: nickname, created_at: '2026-01-02T03:04:05.678Z' };
    expect(await send('POST', '/workflows/', workflow)).toMatchObject({ status: 201, json: detail });
    expect(await get(`/workflows/${nickname}/flow_1`)).toMatchObject({ status: 200, json: detail });
    const { contents: _, is_public: __, ...item } = detail;
    expect((await get('/workflows/?page=1&size=10')).json).toEqual({
      items: [item],
      total: 1,
      page: 1,
      size: 10,
      pages: 1,
    });
    const changed = await send('PATCH', `/workflows/${nickname}/flow_1`, { title: 'New', is_public: false });
    expect(changed).toMatchObject({ status: 201, json: { ...detail, title: 'New', is_public: false } });
    expect((await send('DELETE', `/workflows/${nickname}/flow_1`)).status).toBe(204);
    expect((await get(`/workflows/${nickname}/flow_1`)).status).toBe(404);
    expect((await send('DELETE', `/workflows/${nickname}/flow_1`)).status).toBe(404);
  });

  it('have names of their own', async () => {
    const { send, rooms } = await restServer();
    const { nickname } = rooms.catalog.account;
    await send('POST', '/workflows/', workflow);
    expect((await send('POST', '/workflows/', workflow)).status).toBe(409);
    await send('POST', '/workflows/', { ...workflow, name: 'other' });
    expect((await send('PATCH', `/workflows/${nickname}/other`, { name: 'flow_1' })).status).toBe(409);
    expect((await send('POST', '/workflows/', { ...workflow, name: '../x' })).status).toBe(422);
    expect((await send('GET', '/workflows/someone/flow_1')).status).toBe(404);
  });

  it('that cannot be run are refused as a list of what is wrong', async () => {
    const { send } = await restServer();
    const broken = rawContents({ a: [{ x: '$b.y' }] }, {});
    expect(await send('POST', '/workflows/', { ...workflow, contents: broken })).toMatchObject({
      status: 422,
      json: { detail: [{ loc: ['contents', 'nodes', 'a'], msg: expect.stringContaining('$b.y') }] },
    });
  });
});

describe('/.well-known/jwks.json', () => {
  it('is open to receivers of webhooks, who have no key', async () => {
    const { url } = await restServer();
    const response = await fetch(url('/.well-known/jwks.json'));
    expect([response.status, await response.json()]).toEqual([200, { keys: [] }]);
  });
});
