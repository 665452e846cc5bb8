import type { RequestListener } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { GatewayLimits } from './context.ts';
import { echo } from './testing/apps.ts';
import { startGateway } from './testing/bed.ts';
import { authorization, call } from './testing/client.ts';

const start = async (app: RequestListener, limits: Partial<GatewayLimits> = {}, allowedOrigins: string[] = []) => {
  const gateway = await startGateway(app, { limits, allowedOrigins });
  onTestFinished(() => gateway.close());
  return gateway;
};

describe('callers', () => {
  it.each([
    ['/me/app', {}, 401],
    ['/me/app', { authorization: 'Key test-key:wrong' }, 401],
    ['/me/app', { authorization: 'Key nonsense' }, 401],
    ['/me/app', authorization, 200],
    ['/me/app', { authorization: 'Bearer test-key:test-secret' }, 200],
    ['/me/open', {}, 200],
    ['/me/open', { authorization: 'Key test-key:wrong' }, 200],
    ['/me/unknown', authorization, 404],
    ['/you/app', authorization, 404],
    ['/', authorization, 404],
    ['/workflows/me/app', authorization, 404],
  ])('%s with %o: %i', async (path, headers, status) => {
    const gateway = await start(echo);
    const reply = await call(gateway.ports.run, path, { headers, body: '{}' });
    expect(reply.status).toBe(status);
    expect(reply.headers['x-fal-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    if (status >= 400) expect(JSON.parse(reply.body)).toEqual({ detail: expect.any(String) });
  });
});

describe('other origins', () => {
  it('are refused, whatever the app would answer', async () => {
    const gateway = await start(echo);
    const reply = await call(gateway.ports.run, '/me/open', {
      headers: { origin: 'https://evil.example' },
      body: '{}',
    });
    expect(reply.status).toBe(403);
    expect(Object.keys(reply.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(gateway.fleet.requests).toEqual([]);
  });

  it('are served with one set of CORS headers when the developer listed them', async () => {
    const app: RequestListener = (_req, res) => void res.writeHead(200, { 'access-control-allow-origin': '*' }).end();
    const gateway = await start(app, {}, ['http://localhost:3000']);
    const origin = 'http://localhost:3000';
    const preflight = await call(gateway.ports.run, '/me/app', {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,x-fal-queue-priority,x-evil',
      },
    });
    expect(preflight).toMatchObject({
      status: 204,
      headers: { 'access-control-allow-headers': 'authorization, x-fal-queue-priority' },
    });
    const reply = await call(gateway.ports.run, '/me/app', { headers: { ...authorization, origin }, body: '{}' });
    expect(reply.headers['access-control-allow-origin']).toBe(origin);
    expect(reply.headers['access-control-expose-headers']).toContain('x-fal-request-id');
  });
});
