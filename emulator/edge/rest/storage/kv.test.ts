import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { restServer } from '../testing/rest.ts';

describe('the key-value host', () => {
  it('sets, gets and deletes with a CDN token, a JSON body for every success', async () => {
    const server = await restServer();
    const { json } = await server.send('POST', '/storage/auth/token', {});
    const { token } = z.object({ token: z.string() }).parse(json);
    const send = (method: string, path: string, body?: string) =>
      server.send(method, path, body, { authorization: `Bearer ${token}` });
    expect((await send('PUT', '/set/db/a/b', 'vé')).json).toBeTypeOf('object');
    expect((await send('GET', '/get/db/a/b')).json).toEqual({ value: 'vé' });
    const missing = await send('GET', '/get/db/a');
    expect([missing.status, missing.json]).toEqual([404, { error: 'There is no such key.' }]);
    expect((await send('PUT', '/set/db/empty')).status).toBe(200);
    expect((await send('GET', '/get/db/empty')).json).toEqual({ value: '' });
    for (let twice = 0; twice < 2; twice++) expect((await send('DELETE', '/delete/db/a/b')).json).toBeTypeOf('object');
    expect((await send('GET', '/get/db/a/b')).status).toBe(404);
  });

  it('keeps a value for its ttl', async () => {
    const server = await restServer();
    await server.send('PUT', '/set/db/k?ttl=60', 'v');
    server.state.now += 59_999;
    expect((await server.get('/get/db/k')).status).toBe(200);
    server.state.now += 1;
    expect((await server.get('/get/db/k')).status).toBe(404);
  });

  it('accepts the largest documented value', async () => {
    const server = await restServer();
    expect((await server.send('PUT', '/set/db/k', 'x'.repeat(1_900_000))).status).toBe(200);
  });

  it('returns its errors as `error`', async () => {
    const server = await restServer();
    const refused = [
      [await server.send('PUT', '/set/db/k?ttl=59', 'v'), 400],
      [await server.send('PUT', '/set/db/k?ttl=2592001', 'v'), 400],
      [await server.send('PUT', '/set/db/k', new Uint8Array([0xff, 0xfe])), 400],
      [await server.send('PUT', '/set/db/k', 'x'.repeat(1_900_001)), 413],
      [await server.send('PUT', '/set/db/k', 'v', { authorization: 'Bearer x' }), 401],
      [await server.send('GET', '/get/db/k', undefined, { authorization: '' }), 401],
      [await server.send('DELETE', '/delete/db/k', undefined, { authorization: '' }), 401],
    ] as const;
    for (const [{ status, json }, wanted] of refused) {
      expect([status, json]).toEqual([wanted, { error: expect.any(String) }]);
    }
    expect((await server.get('/get/db/k')).status).toBe(404);
  });
});
