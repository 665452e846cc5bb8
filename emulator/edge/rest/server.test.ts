import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { restServer } from './testing/rest.ts';

describe('every request', () => {
  it.each([
    ['GET', '/users/current'],
    ['POST', '/logs/history?job_id=x'],
    ['POST', '/files/missing_hashes'],
    ['GET', '/nothing/here'],
  ])('%s %s without a key is 401 with a sentence', async (method, path) => {
    const { url } = await restServer();
    const response = await fetch(url(path), { method });
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({ detail: expect.stringContaining('key') });
  });

  it('an unknown path is 404 with a detail; double slashes are neither normalised nor redirected', async () => {
    const { get } = await restServer();
    for (const path of ['/nope', '//users/current', '/users//current', '/users/%2e%2e/current']) {
      expect(await get(path)).toMatchObject({ status: 404, json: { detail: 'Not Found' } });
    }
  });

  it('malformed JSON is 400, a wrong shape is 422 as a list, a body too large is 413', async () => {
    const { send, reported } = await restServer();
    const header = { 'content-type': 'application/json' };
    expect(await send('POST', '/files/missing_hashes', '{"hashes": [', header)).toMatchObject({
      status: 400,
      json: { detail: expect.any(String) },
    });
    expect(await send('POST', '/files/missing_hashes', { hashes: 'x' })).toMatchObject({
      status: 422,
      json: { detail: [{ loc: ['hashes'], msg: expect.any(String), type: expect.any(String) }] },
    });
    const large = JSON.stringify({ hashes: ['x'.repeat(17 * 1024 * 1024)] });
    expect(await send('POST', '/files/missing_hashes', large, header)).toMatchObject({
      status: 413,
      json: { detail: expect.any(String) },
    });
    expect((await send('GET', '/runners/%zz')).status).toBe(400);
    expect(reported).toEqual([]);
  });

  it('a full disk is 507 with what, why and the next step, and is reported as what it is', async () => {
    const { get, fleet, reported } = await restServer();
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    fleet.runner = () => {
      throw full;
    };
    expect(await get('/runners/x')).toMatchObject({
      status: 507,
      json: { detail: expect.stringMatching(/^The disk is full: .*no space left.*Free some space/) },
    });
    expect(reported).toEqual([full]);
  });

  it('a failure of ours is one sentence; the cause is reported, not shown', async () => {
    const { get, fleet, reported } = await restServer();
    fleet.runner = () => {
      throw new Error('password=hunter2');
    };
    const { status, text: body } = await get('/runners/x');
    expect(status).toBe(500);
    expect(body).not.toMatch(/hunter2|at .*\.ts/);
    expect(reported).toHaveLength(1);
  });

  it('another Host or a foreign web origin is refused before the key is looked at', async () => {
    const { port, send } = await restServer();
    const socket = connect(port, '127.0.0.1');
    socket.end('GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 403 [\s\S]*"detail"/);
    expect((await send('GET', '/users/current', undefined, { origin: 'https://evil.example' })).status).toBe(403);
    const listed = await send('OPTIONS', '/users/current', undefined, {
      origin: 'http://localhost:3000',
      'access-control-request-method': 'GET',
    });
    expect(listed.status).toBe(204);
    expect(listed.headers.get('access-control-allow-origin')).toBe('http://localhost:3000');
  });

  it('does not reveal its implementation', async () => {
    const { get } = await restServer();
    expect((await get('/users/current')).headers.get('x-powered-by')).toBeNull();
  });
});

describe('pages without a key', () => {
  it('/ describes the server', async () => {
    const { url } = await restServer();
    const response = await fetch(url('/'));
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('minifal');
  });
});

describe('accounts', () => {
  it('/users/current has what the openapi client requires; /users/teams one personal account', async () => {
    const { get, rooms } = await restServer();
    const { nickname, userId, fullName } = rooms.catalog.account;
    const user = { nickname, user_id: userId, full_name: fullName, is_personal: true };
    expect((await get('/users/current')).json).toMatchObject({ ...user, is_locked: false, members: [] });
    expect((await get('/users/teams')).json).toEqual([{ ...user, is_org: false }]);
  });
});
