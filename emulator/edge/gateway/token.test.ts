import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createTokens } from '../auth/tokens.ts';
import { account, startGateway, type TestGateway } from './testing/bed.ts';
import { call } from './testing/client.ts';

const alive = new Set(['runner']);
const signing = { secret: Buffer.alloc(32, 1), clock: () => 0, lives: (id: string) => alive.has(id) };
const tokens = createTokens(signing);
const forApp = tokens.issue(['app'], 60, account);
const forStream = tokens.issue(['me/app/stream'], 60, account);
const forOther = tokens.issue(['hasty'], 60, account);

let gateway: TestGateway;
const urls: (string | undefined)[] = [];
afterEach(() => gateway.close());

async function start(verifyToken = tokens.verify): Promise<TestGateway> {
  urls.length = 0;
  gateway = await startGateway(
    (req, res) => {
      urls.push(req.url);
      res.end('{}');
    },
    { verifyToken },
  );
  return gateway;
}

const post = (path: string, host: 'run' | 'queue' = 'run') =>
  call(gateway.ports[host], path, { headers: {}, body: '{}' });

describe('fal_jwt_token', () => {
  it('replaces the key on the run host, and the app never sees it', async () => {
    await start();
    expect((await post(`/me/app/stream?fal_jwt_token=${forApp}&x=1`)).status).toBe(200);
    expect((await post(`/me/app/stream?fal_jwt_token=${forStream}`)).status).toBe(200);
    expect(urls).toEqual(['/stream?x=1', '/stream']);
  });

  it.each([
    ['another app', forOther],
    ['another endpoint', forStream],
    ['nothing', 'nonsense'],
    ['nothing, being empty', ''],
  ])('that is for %s grants no access', async (_what, token) => {
    await start();
    expect((await post(`/me/app/realtime?fal_jwt_token=${token}`)).status).toBe(401);
    expect(urls).toEqual([]);
  });

  it('grants no access after it has expired', async () => {
    const later = createTokens({ ...signing, clock: () => 61_000 });
    await start(later.verify);
    expect((await post(`/me/app/stream?fal_jwt_token=${forApp}`)).status).toBe(401);
  });

  it('that a runner requested gives access to its app while the runner lives', async () => {
    await start();
    const token = tokens.issue(['app'], 60, { ...account, runnerId: 'runner' });
    expect((await post(`/me/app/stream?fal_jwt_token=${token}`)).status).toBe(200);
    alive.delete('runner');
    expect((await post(`/me/app/stream?fal_jwt_token=${token}`)).status).toBe(401);
  });

  it('permits watching a status stream, but neither submitting nor reading results', async () => {
    await start();
    const submitted = await call(gateway.ports.queue, '/me/app', { body: '{}' });
    const { request_id: id } = JSON.parse(submitted.body);
    expect((await post(`/me/app?fal_jwt_token=${forApp}`, 'queue')).status).toBe(401);
    const get = (path: string) => call(gateway.ports.queue, path, { headers: {} });
    expect((await get(`/me/app/requests/${id}?fal_jwt_token=${forApp}`)).status).toBe(401);
    expect((await get(`/me/app/requests/${id}/status/stream?fal_jwt_token=${forApp}`)).status).toBe(200);
  });

  it.each(['run', 'ws'] as const)('opens websockets of the %s host', async (host) => {
    await start();
    const status = (token: string) =>
      new Promise((resolve) => {
        const socket = new WebSocket(`ws://localhost:${gateway.ports[host]}/me/app/realtime?fal_jwt_token=${token}`);
        socket.on('open', () => resolve('open'));
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
        socket.on('error', () => undefined);
      });
    expect(await status(forApp)).toBe('open');
    expect(await status(forOther)).toBe(401);
  });
});
