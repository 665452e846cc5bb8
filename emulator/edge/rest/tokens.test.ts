import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { revisionDefaults } from '../../catalog/scale-settings.ts';
import type { Runner } from '../../scheduler/types.ts';
import { restServer } from './testing/rest.ts';

const target = { owner: 'me', name: 'app', path: '/realtime' };

describe('tokens for browsers', () => {
  it('are a bare JSON string, valid for the named alias and time', async () => {
    const server = await restServer();
    const { status, json } = await server.send('POST', '/tokens/', { allowed_apps: ['app'], token_expiration: 10 });
    expect(status).toBe(200);
    const token = z.string().parse(json);
    const { userId } = server.rooms.catalog.account;
    expect(server.rooms.tokens.verify(token, target)).toEqual({ userId });
    expect(server.rooms.tokens.verify(token, { ...target, name: 'other' })).toBeUndefined();
    server.state.now += 10_000;
    expect(server.rooms.tokens.verify(token, target)).toBeUndefined();
  });

  it('the second form names endpoints and answers an object', async () => {
    const server = await restServer();
    const body = { allowed_apps: ['me/app/realtime'], duration: 10 };
    const { json } = await server.send('POST', '/tokens/realtime', body);
    const { token } = z.object({ token: z.string() }).parse(json);
    expect(server.rooms.tokens.verify(token, target)).toBeDefined();
    expect(server.rooms.tokens.verify(token, { ...target, path: '' })).toBeUndefined();
  });

  it.each(['/tokens/', '/tokens/realtime'])('of %s expire with the runner whose key requested them', async (path) => {
    const server = await restServer();
    const state: Runner['state'] = { kind: 'idle', since: 0 };
    server.runners.push({
      ...{ id: 'r', alias: 'app', revision: 'rev', createdAt: 0, used: true, replacement: 'none', hints: null },
      ...{ settings: revisionDefaults, state },
    });
    const authorization = `Key ${server.rooms.runnerKeys.keyOf('r')}`;
    const { json } = await server.send('POST', path, { allowed_apps: ['app'] }, { authorization });
    const token = z.union([z.string(), z.object({ token: z.string() }).transform((value) => value.token)]).parse(json);
    expect(server.rooms.tokens.verify(token, target)).toBeDefined();
    server.runners.length = 0;
    expect(server.rooms.tokens.verify(token, target)).toBeUndefined();
  });

  it('need a key, apps and a sensible time', async () => {
    const server = await restServer();
    const headers = { authorization: '' };
    expect((await server.send('POST', '/tokens/', { allowed_apps: ['app'] }, headers)).status).toBe(401);
    for (const body of [
      {},
      { allowed_apps: [] },
      { allowed_apps: ['a'], token_expiration: 0 },
      { allowed_apps: [''] },
    ]) {
      expect((await server.send('POST', '/tokens/', body)).status).toBe(422);
    }
  });
});
