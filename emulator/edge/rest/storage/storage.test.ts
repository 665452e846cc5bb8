import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { restServer } from '../testing/rest.ts';

type Server = Awaited<ReturnType<typeof restServer>>;

const urls = z.object({ file_url: z.string(), upload_url: z.string() });
const hour = 60 * 60 * 1000;

async function initiate(
  { send }: Server,
  { kind = 'initiate', type = 'fal-cdn-v3', body = { file_name: 'a b.txt', content_type: 'text/x-own' } as object },
  headers: Readonly<Record<string, string>> = {},
) {
  const { status, json } = await send('POST', `/storage/upload/${kind}?storage_type=${type}`, body, headers);
  expect(status).toBe(200);
  return urls.parse(json);
}

/** A stored file, and a reader without a key. */
async function stored(server: Server, content: string, lifecycle?: object) {
  const headers = lifecycle ? { 'x-fal-object-lifecycle': JSON.stringify(lifecycle) } : {};
  const { file_url, upload_url } = await initiate(server, {}, headers);
  const put = await fetch(upload_url, { method: 'PUT', body: content });
  expect(put.status).toBe(200);
  return (also: Readonly<Record<string, string>> = {}, method = 'GET') => fetch(file_url, { method, headers: also });
}

describe('uploads by the SDK', () => {
  it.each(['fal-cdn-v3', 'gcs'])('one PUT without a key, then anybody reads: %s', async (type) => {
    const server = await restServer();
    const { file_url, upload_url } = await initiate(server, { type });
    expect(file_url).toMatch(new RegExp(`^http://localhost:${server.port}/files/cdn/[0-9a-f]{32}/a_b\\.txt$`));
    expect((await fetch(file_url)).status).toBe(404);
    expect((await fetch(upload_url, { method: 'PUT', body: 'hello' })).status).toBe(200);
    const read = await fetch(file_url);
    expect([read.status, await read.text(), read.headers.get('content-type')]).toEqual([200, 'hello', 'text/x-own']);
  });

  it('parts with their number and etag in header and body, completed without a key', async () => {
    const server = await restServer();
    const { file_url, upload_url } = await initiate(server, { kind: 'initiate-multipart' });
    const parts: object[] = [];
    for (const [index, body] of ['hello ', 'world'].entries()) {
      const put = await fetch(`${upload_url}/${index + 1}`, { method: 'PUT', body });
      const etag = put.headers.get('etag');
      const answer = z.object({ partNumber: z.number(), etag: z.string() }).parse(await put.json());
      expect(answer).toEqual({ partNumber: index + 1, etag: etag?.replaceAll('"', '') });
      // Python sends the header's etag back, JavaScript the body's.
      parts.push({ partNumber: index + 1, etag: index === 0 ? etag : answer.etag });
    }
    const headers = { 'content-type': 'application/json' };
    const complete = () =>
      fetch(`${upload_url}/complete`, { method: 'POST', headers, body: JSON.stringify({ parts }) });
    expect((await complete()).status).toBe(200);
    expect((await complete()).status).toBe(200);
    expect(await (await fetch(file_url)).text()).toBe('hello world');
  });

  it('the gcs type requests the URL of each part and spells its numbers differently', async () => {
    const server = await restServer();
    const { file_url, upload_url } = await initiate(server, { kind: 'initiate-multipart', type: 'gcs' });
    const { json } = await server.send('POST', `${new URL(upload_url).pathname}/1`);
    const part = z.object({ upload_url: z.string() }).parse(json);
    const etag = (await fetch(part.upload_url, { method: 'PUT', body: 'x' })).headers.get('etag')?.replaceAll('"', '');
    const done = await server.send('POST', `${new URL(upload_url).pathname}/complete`, {
      parts: [{ part_number: 1, etag }],
    });
    expect(done.status).toBe(200);
    expect(await (await fetch(file_url)).text()).toBe('x');
  });

  it('need a key to begin, a known id to continue, and a lifecycle that can be read', async () => {
    const server = await restServer();
    const path = '/storage/upload/initiate?storage_type=fal-cdn-v3';
    const json = { 'content-type': 'application/json' };
    expect((await fetch(server.url(path), { method: 'POST', headers: json, body: '{}' })).status).toBe(401);
    expect((await fetch(server.url('/storage/auth/token'), { method: 'POST' })).status).toBe(401);
    expect((await server.send('PUT', '/storage/uploads/abc', 'x')).status).toBe(404);
    expect((await server.send('PUT', '/storage/uploads/abc/1', 'x')).status).toBe(404);
    for (const lifecycle of ['{', '[]', '{"expiration_duration_seconds":-1}', '{"initial_acl":{"default":"maybe"}}']) {
      const headers = { 'x-fal-object-lifecycle': lifecycle };
      expect((await server.send('POST', path, {}, headers)).status, lifecycle).toBe(422);
    }
    expect((await server.send('POST', '/storage/upload/initiate?storage_type=s3', {})).status).toBe(422);
  });

  it('an origin of its own, no scripts and no guessing of types: stored pages are harmless', async () => {
    const server = await restServer();
    const body = { file_name: '../../x/<b>.html', content_type: 'text/html' };
    const { file_url, upload_url } = await initiate(server, { body });
    expect(new URL(file_url).pathname).toMatch(/\/_b_\.html$/);
    await fetch(upload_url, { method: 'PUT', body: '<script>alert(1)</script>' });
    const { headers } = await fetch(file_url);
    expect(headers.get('content-type')).toBe('text/html');
    expect(headers.get('content-security-policy')).toMatch(/^sandbox; default-src 'none';/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    const odd = await initiate(server, { body: { file_name: null, content_type: 'text/html\r\nx: y' } });
    await fetch(odd.upload_url, { method: 'PUT', body: 'x' });
    expect((await fetch(odd.file_url)).headers.get('content-type')).toBe('application/octet-stream');
  });
});

describe('reading stored files', () => {
  it('whole, a range, only when changed, or the head alone', async () => {
    const read = await stored(await restServer(), '0123456789');
    const whole = await read();
    const etag = whole.headers.get('etag') ?? '';
    expect(etag).toBe('"781e5e245d69b566979b86e28d23f2c7"');
    const range = await read({ range: 'bytes=2-4' });
    expect([range.status, range.headers.get('content-range'), await range.text()]).toEqual([
      206,
      'bytes 2-4/10',
      '234',
    ]);
    const beyond = await read({ range: 'bytes=10-' });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */10']);
    // Node's fetch would prevent it with its own `cache-control`.
    expect((await read({ 'if-none-match': etag, 'cache-control': 'max-age=0' })).status).toBe(304);
    const head = await read({}, 'HEAD');
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', '']);
  });

  it('expires with its lifecycle', async () => {
    const server = await restServer();
    const kept = await stored(server, 'x', { expiration_duration_seconds: 0, initial_acl: null });
    for (const seconds of [3600, '3600']) {
      const read = await stored(server, 'x', { expiration_duration_seconds: seconds, allow_io_storage: true });
      server.state.now += hour - 1;
      expect((await read()).status).toBe(200);
      server.state.now += 1;
      expect((await read()).status).toBe(404);
    }
    expect((await kept()).status).toBe(200);
  });

  it('depends on the access rules: 403 if forbidden, 404 if hidden, always open to the owner', async () => {
    const server = await restServer();
    const { authorization } = server;
    for (const [decision, status] of [
      ['allow', 200],
      ['forbid', 403],
      ['deny', 403],
      ['hide', 404],
    ] as const) {
      const read = await stored(server, 'x', { initial_acl: { default: decision, rules: [] } });
      expect([decision, (await read()).status]).toEqual([decision, status]);
      expect((await read({ authorization })).status).toBe(200);
    }
  });

  it('from pages of any origin, but never under another name of ours', async () => {
    const server = await restServer();
    const read = await stored(server, 'x');
    const foreign = await read({ origin: 'https://elsewhere.example', 'sec-fetch-site': 'cross-site' });
    expect([foreign.status, foreign.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
    const { pathname } = new URL((await initiate(server, {})).file_url);
    const status = await new Promise<[number | undefined, string]>((resolve, reject) => {
      const options = { port: server.port, path: pathname, headers: { host: 'rebound.example' } };
      httpRequest(options, async (response) => resolve([response.statusCode, await text(response)]))
        .on('error', reject)
        .end();
    });
    expect(status[0]).toBe(403);
    expect(status[1]).toContain('This server answers to');
  });
});

describe("the CDN's own API", () => {
  const token = z.object({ token: z.string(), token_type: z.string(), base_url: z.string(), expires_at: z.string() });

  it('takes the body as it is, or parts, with the token of /storage/auth/token', async () => {
    const server = await restServer();
    const { json } = await server.send('POST', '/storage/auth/token?storage_type=fal-cdn-v3', {});
    const answer = token.parse(json);
    expect(answer.base_url).toBe(`http://localhost:${server.port}`);
    expect(answer.expires_at).toMatch(/\+00:00$/);
    expect(Date.parse(answer.expires_at) - server.state.now).toBeGreaterThan(2 * hour);
    const headers = { authorization: `${answer.token_type} ${answer.token}`, 'content-type': 'text/x-own' };

    const one = await fetch(`${answer.base_url}/files/upload`, { method: 'POST', body: 'one', headers });
    const { access_url } = z.object({ access_url: z.string() }).parse(await one.json());
    expect(await (await fetch(access_url)).text()).toBe('one');

    const begun = await fetch(`${answer.base_url}/files/upload/multipart`, { method: 'POST', headers });
    const upload = z.object({ access_url: z.string(), uploadId: z.string() }).parse(await begun.json());
    const at = `${upload.access_url}/multipart/${upload.uploadId}`;
    const etag = (await fetch(`${at}/1`, { method: 'PUT', body: 'two', headers })).headers.get('etag');
    const body = JSON.stringify({ parts: [{ partNumber: 1, etag }] });
    const asJson = { ...headers, 'content-type': 'application/json' };
    expect((await fetch(`${at}/complete`, { method: 'POST', body, headers: asJson })).status).toBe(200);
    const read = await fetch(upload.access_url);
    expect([await read.text(), read.headers.get('content-type')]).toEqual(['two', 'text/x-own']);

    server.state.now += 25 * hour;
    const late = await fetch(`${answer.base_url}/files/upload`, { method: 'POST', body: 'one', headers });
    expect(late.status).toBe(401);
  });

  it('accepts nothing without a token, nor with one for browsers', async () => {
    const server = await restServer();
    const browser = server.rooms.tokens.issue(['app'], 60, { userId: 'user' });
    for (const headers of [{}, { authorization: `Bearer ${browser}` }, { authorization: 'Bearer x' }]) {
      const answer = await fetch(server.url('/files/upload'), { method: 'POST', body: 'x', headers });
      expect(answer.status).toBe(401);
    }
  });

  it('reports that the storage is full', async () => {
    const server = await restServer();
    server.rooms.storage.quota.take(1024 ** 3 - 3);
    const { status, json } = await server.send('POST', '/files/upload', 'four');
    expect([status, json]).toEqual([507, { detail: expect.stringContaining('is full') }]);
    expect((await server.send('POST', '/files/upload', '123')).status).toBe(200);
  });
});
