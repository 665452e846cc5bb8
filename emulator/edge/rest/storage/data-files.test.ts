import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { truncateSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import express from 'express';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { zipOf } from '../../../storage/testing/zip.ts';
import { restServer } from '../testing/rest.ts';
import { dataFiles } from './data-files.ts';

type Server = Awaited<ReturnType<typeof restServer>>;

function form(bytes: string | Buffer): FormData {
  const body = new FormData();
  body.append('file_upload', new Blob([typeof bytes === 'string' ? bytes : new Uint8Array(bytes)]), 'name');
  return body;
}

const put = async ({ send }: Server, path: string, content: string) => {
  const { status, json } = await send('POST', `/files/file/local/${path}`, form(content));
  expect([status, json]).toEqual([200, true]);
};
const paths = async ({ get }: Server, path: string) => {
  const { status, json } = await get(`/files/list/${path}`);
  expect(status).toBe(200);
  return z.array(z.object({ path: z.string(), is_file: z.boolean(), size: z.number() })).parse(json);
};

describe('/data over REST', () => {
  it('keeps double slashes, spaces and percent signs of paths', async () => {
    const server = await restServer();
    await put(server, '/data/d/a%20b%2525%2Fc', 'x');
    expect(await paths(server, '/data/d/a%20b%2525')).toEqual([{ path: '/data/d/a b%25/c', is_file: true, size: 1 }]);
    expect((await server.get('/files/file//data/d/a%20b%2525/c')).text).toBe('x');
    expect((await server.get('/files/file/d/a%20b%2525/c')).text).toBe('x');
    expect(await paths(server, '/data/none')).toEqual([]);
  });

  it('aborts a file that becomes shorter while it is read: it is not filled with the next answer', async () => {
    const server = await restServer();
    await put(server, '/data/f', 'x');
    const file = join(dirname(server.store.file), 'data', 'f');
    truncateSync(file, 200_000_000);
    const { authorization, port } = server;
    const sent = httpRequest({
      host: '127.0.0.1',
      port,
      path: '/files/file//data/f',
      headers: { authorization },
    }).end();
    const [response] = await once(sent, 'response');
    truncateSync(file, 1_000);
    await expect(text(response)).rejects.toThrow('aborted');
    expect(server.reported).toEqual([]);
  });

  it('returns bytes that no browser treats as a page, and empty files', async () => {
    const server = await restServer();
    await put(server, '/data/page.html', '<script>');
    await put(server, '/data/empty', '');
    const { headers, text: body } = await server.get('/files/file//data/page.html');
    expect(body).toBe('<script>');
    expect([headers.get('content-type'), headers.get('x-content-type-options')]).toEqual([
      'application/octet-stream',
      'nosniff',
    ]);
    const empty = await server.get('/files/file//data/empty');
    expect([empty.status, empty.text]).toEqual([200, '']);
    expect((await server.get('/files/file//data/none')).status).toBe(404);
    expect((await server.get('/files/file//data')).status).toBe(400);
  });

  it('takes large files in parts and answers the MD5 of the whole', async () => {
    const server = await restServer();
    const at = '/files/file/multipart//data/dir/complete';
    const { json } = await server.send('POST', `${at}/initiate`);
    const { upload_id } = z.object({ upload_id: z.string() }).parse(json);
    const parts: unknown[] = [];
    for (const [index, part] of ['hello ', 'world'].entries()) {
      parts.push((await server.send('PUT', `${at}/${upload_id}/${index + 1}`, form(part))).json);
    }
    const done = await server.send('POST', `${at}/${upload_id}/complete`, { parts });
    expect([done.status, done.json]).toEqual([200, { etag: createHash('md5').update('hello world').digest('hex') }]);
    expect((await server.get('/files/file//data/dir/complete')).text).toBe('hello world');
    expect((await server.send('PUT', `${at}/${'0'.repeat(48)}/1`, form('x'))).status).toBe(404);
    expect((await server.send('POST', `${at}/${'0'.repeat(48)}/cancel`)).status).toBe(200);
    expect(server.rooms.storage.quota.used()).toBe(0);
  });

  it('unpacks archives, and finds the hash in them', async () => {
    const server = await restServer();
    const zip = zipOf([
      { name: 'sub/file', content: 'x' },
      { name: '.fal_hash', content: 'abc' },
    ]);
    const { status } = await server.send('POST', '/files/file/local/sync/dir?unzip=true', form(zip));
    expect(status).toBe(200);
    expect((await server.get('/files/file//data/sync/dir/sub/file')).text).toBe('x');
    const check = (hash: string) => server.send('POST', '/files/dir/check_hash/sync/dir', { hash });
    expect([(await check('abc')).json, (await check('x')).json]).toEqual([true, false]);
    expect((await server.send('POST', '/files/file/local/x?unzip=true', form('no zip'))).status).toBe(400);
  });

  it('renames and removes', async () => {
    const server = await restServer();
    await put(server, '/data/a/b', 'x');
    expect((await server.send('POST', '/files/rename//data/a', { destination: '/data/c/d' })).status).toBe(200);
    expect(await paths(server, '/data/c/d')).toHaveLength(1);
    expect((await server.send('DELETE', '/files/file//data/c')).status).toBe(200);
    expect(await paths(server, '/data')).toEqual([]);
    expect((await server.send('DELETE', '/files/file//data/c')).status).toBe(404);
    expect((await server.send('DELETE', '/files/file//data')).status).toBe(400);
  });

  it('never leaves the folder, however the path is written', async () => {
    const server = await restServer();
    const raw = (path: string) =>
      new Promise<string>((resolve, reject) => {
        const options = { port: server.port, path, headers: { authorization: server.authorization } };
        httpRequest(options, async (response) => resolve(`${response.statusCode} ${await text(response)}`))
          .on('error', reject)
          .end();
      });
    for (const up of ['..', '%2e%2e', '.%2e', '..%2f..', '%2e%2e%2f', 'data/..%2f..', 'x/../../..']) {
      for (const path of [`/files/file/${up}/minifal.db`, `/files/file//data/${up}/minifal.db`, `/files/list/${up}`]) {
        expect(await raw(path), path).toMatch(/^400 /);
      }
    }
    expect(await raw('/files/file//etc/passwd')).toMatch(/^400 /);
    expect(await raw('/files/file/%00')).toMatch(/^400 /);
    expect(await raw('/files/file/%ff')).toMatch(/^400 /);
  });

  it('needs a key', async () => {
    const server = await restServer();
    for (const path of ['/files/list//data', '/files/file//data/x']) {
      expect((await server.send('GET', path, undefined, { authorization: '' })).status).toBe(401);
    }
  });
});

describe('storing a URL in /data', () => {
  it('fetches no private address', async () => {
    const server = await restServer();
    for (const url of [server.url('/'), 'http://169.254.169.254/', 'file:///etc/passwd', 'x']) {
      const { status, json } = await server.send('POST', '/files/file/url//data/x', { url });
      expect([status, json], url).toEqual([400, { detail: expect.any(String) }]);
    }
    expect(await paths(server, '/data')).toEqual([]);
  });

  it('stores what a public one gives', async () => {
    const { rooms } = await restServer();
    const app = express();
    app.get('/content', (_request, response) => void response.send('content'));
    app.use(dataFiles({ storage: rooms.storage, mayFetchFrom: () => true }));
    const server = createServer(app);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    const at = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ url: `${at}/content` });
    const answer = await fetch(`${at}/files/file/url//data/x/y`, { method: 'POST', body, headers });
    expect(answer.status).toBe(200);
    expect(await (await fetch(`${at}/files/file//data/x/y`)).text()).toBe('content');
  });
});
