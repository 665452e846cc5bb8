import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loopbackHosts } from '../wire/hosts.ts';
import { readProxyTarget, withProxy } from './proxy.ts';

const hosts = { api: 'localhost:4710', run: 'localhost:4711', queue: 'localhost:4712', ws: 'localhost:4713' };

describe('the target of the proxy mode', () => {
  it.each([
    ['https://fal.run/me/app', 'run', '/me/app'],
    ['https://fal.run/me/app/a%2Fb//c?x=%20y&z', 'run', '/me/app/a%2Fb//c?x=%20y&z'],
    ['https://queue.fal.run/me/app/requests/1/status?logs=1', 'queue', '/me/app/requests/1/status?logs=1'],
    ['https://QUEUE.fal.run/workflows/me/flow', 'queue', '/workflows/me/flow'],
    [
      'https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3',
      'rest',
      '/storage/upload/initiate?storage_type=fal-cdn-v3',
    ],
    ['https://rest.alpha.fal.ai/tokens/', 'rest', '/tokens/'],
    ['https://wma.fal.run/session/heartbeat', 'wma', '/session/heartbeat'],
    ['http://wma.localhost:4711/ice', 'wma', '/ice'],
    ['http://localhost:4711/me/app', 'run', '/me/app'],
    ['https://localhost:4712/me/app', 'queue', '/me/app'],
    ['http://localhost:4710/users/current', 'rest', '/users/current'],
    ['https://fal.run', 'run', '/'],
    ['https://fal.run?x=1', 'run', '/?x=1'],
    ['https://fal.run/me/app/gr\u00fcn 1', 'run', '/me/app/gr%C3%BCn%201'],
    [
      'https://fal.run/me/app/\u6c34/\u{1f41f}?q=\u00e9 "x"',
      'run',
      '/me/app/%E6%B0%B4/%F0%9F%90%9F?q=%C3%A9%20%22x%22',
    ],
    ['https://fal.run/me/app/%20%C3%BC%zz', 'run', '/me/app/%20%C3%BC%zz'],
  ] as const)('%s is the %s host', (url, host, path) => {
    expect(readProxyTarget(url, hosts)).toEqual({ host, url: path });
  });

  it.each([
    undefined,
    '',
    '/me/app',
    'https://example.com/me/app',
    'https://fal.run.example.com/me/app',
    'https://fal.run@example.com/me/app',
    'https://example.com\\@fal.run/',
    'https://localhost:9999/me/app',
    'https://v3.fal.media/files/x',
    'ftp://fal.run/me/app',
    'http://localhost:4710/api/fal/proxy',
    'http://localhost:4710/api/fal/proxy/x',
  ])('%s is not a target', (url) => {
    expect(readProxyTarget(url, hosts)).toBeUndefined();
  });
});

async function proxy() {
  const seen: string[] = [];
  const named =
    (name: string): RequestListener =>
    (req, res) => {
      seen.push(`${name} ${req.method} ${req.url}`);
      res.end(name);
    };
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  const guardRules = { hosts: loopbackHosts(address.port), allowedOrigins: ['http://localhost:3000'] };
  const behind = { run: named('run'), queue: named('queue'), rest: named('rest'), wma: named('wma') };
  server.on('request', withProxy({ ...behind, guardRules, hosts }));
  const call = (path: string, init: RequestInit = {}) => fetch(`http://localhost:${address.port}${path}`, init);
  return { call, seen };
}

describe('the proxy', () => {
  it('passes a call to the named host, with its own path; everything else is REST', async () => {
    const { call, seen } = await proxy();
    await call('/api/fal/proxy', {
      method: 'PUT',
      headers: { 'x-fal-target-url': 'https://queue.fal.run/me/app/x?y=1' },
    });
    await call('/api/fal/proxy?ignored=1', {
      method: 'POST',
      headers: { 'x-fal-target-url': 'https://fal.run/me/app' },
    });
    await call('/users/current', { headers: { 'x-fal-target-url': 'https://fal.run/me/app' } });
    expect(seen).toEqual(['queue PUT /me/app/x?y=1', 'run POST /me/app', 'rest GET /users/current']);
  });

  it('reads a target whose letters are sent as one byte or as UTF-8', async () => {
    const { call, seen } = await proxy();
    for (const text of ['gr\u00fcn 1', Buffer.from('gr\u00fcn 1').toString('latin1')]) {
      await call('/api/fal/proxy', {
        method: 'POST',
        headers: { 'x-fal-target-url': `https://fal.run/me/app/${text}` },
      });
    }
    expect(seen).toEqual(['run POST /me/app/gr%C3%BCn%201', 'run POST /me/app/gr%C3%BCn%201']);
  });

  it('refuses calls without a target of ours', async () => {
    const { call, seen } = await proxy();
    const response = await call('/api/fal/proxy', { method: 'POST' });
    expect([response.status, await response.json()]).toEqual([400, { detail: 'Invalid request' }]);
    expect(seen).toEqual([]);
  });

  it('answers only web pages of listed origins', async () => {
    const { call, seen } = await proxy();
    const preflight = (origin: string) =>
      call('/api/fal/proxy', {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type,x-fal-target-url,x-fal-queue-priority',
        },
      });
    const listed = await preflight('http://localhost:3000');
    expect(listed.status).toBe(204);
    expect(listed.headers.get('access-control-allow-origin')).toBe('http://localhost:3000');
    expect(listed.headers.get('access-control-allow-headers')).toContain('x-fal-target-url');
    expect((await preflight('http://localhost:3001')).status).toBe(403);
    const headers = { origin: 'https://evil.example', 'x-fal-target-url': 'https://fal.run/me/app' };
    expect((await call('/api/fal/proxy', { method: 'POST', headers })).status).toBe(403);
    expect(seen).toEqual([]);
  });
});
