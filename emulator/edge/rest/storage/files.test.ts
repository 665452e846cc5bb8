import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { restServer } from '../testing/rest.ts';

type Server = Awaited<ReturnType<typeof restServer>>;

const mode = 33188;
const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).update(String(mode)).digest('hex');
const metadata = (bytes: Buffer) => ({
  size: String(bytes.length),
  mtime: '1.5',
  mode: String(mode),
  hash: hashOf(bytes),
});

function form(bytes: Buffer): FormData {
  const body = new FormData();
  body.append('file_upload', new Blob([new Uint8Array(bytes)], { type: 'application/octet-stream' }), 'chunk');
  return body;
}

/** Initiate and all parts, as the client does; returns what `complete` needs. */
async function upload({ send }: Server, bytes: Buffer, parts: readonly Buffer[]) {
  const hash = hashOf(bytes);
  const { json } = await send('POST', `/files/app/multipart/${hash}/initiate`, metadata(bytes));
  const { upload_id } = z.object({ upload_id: z.string() }).parse(json);
  const path = `/files/app/multipart/${hash}/${upload_id}`;
  const etags: unknown[] = [];
  for (const [index, part] of parts.entries()) {
    const stored = await send('PUT', `${path}/${index + 1}`, form(part));
    expect(stored.status).toBe(200);
    etags.push(stored.json);
  }
  return { path, hash, body: { parts: etags, metadata: metadata(bytes) } };
}

describe('file sync', () => {
  it('a file in parts arrives with its mode; afterwards it is not missing and a second upload is 409', async () => {
    const server = await restServer();
    const bytes = Buffer.from('\r\n--boundary\0 binary \xff', 'latin1');
    const hash = hashOf(bytes);
    const other = 'b'.repeat(64);
    const missing = async () => (await server.send('POST', '/files/missing_hashes', { hashes: [hash, other] })).json;
    expect(await missing()).toEqual([hash, other]);
    const { path, body } = await upload(server, bytes, [bytes.subarray(0, 5), bytes.subarray(5)]);
    expect(await server.send('POST', `${path}/complete`, body)).toMatchObject({
      status: 200,
      json: { etag: expect.any(String) },
    });
    expect(await missing()).toEqual([other]);
    const stored = server.rooms.appFiles.find(hash);
    expect(stored?.mode).toBe(mode);
    expect(readFileSync(stored?.path ?? '').equals(bytes)).toBe(true);
    expect((await server.send('POST', `/files/app/multipart/${hash}/initiate`, metadata(bytes))).status).toBe(409);
  });

  it('an empty file is one empty part', async () => {
    const server = await restServer();
    const { path, body, hash } = await upload(server, Buffer.alloc(0), [Buffer.alloc(0)]);
    expect((await server.send('POST', `${path}/complete`, body)).status).toBe(200);
    expect(server.rooms.appFiles.find(hash)).toBeDefined();
  });

  it('bytes that differ from the announced ones are refused and not kept', async () => {
    const server = await restServer();
    const { path, body, hash } = await upload(server, Buffer.from('announced'), [Buffer.from('something')]);
    expect(await server.send('POST', `${path}/complete`, body)).toMatchObject({
      status: 400,
      json: { detail: expect.any(String) },
    });
    expect(server.rooms.appFiles.find(hash)).toBeUndefined();
  });

  it('a cancelled or unknown upload is 404', async () => {
    const server = await restServer();
    const bytes = Buffer.from('x');
    const { path, body } = await upload(server, bytes, [bytes]);
    expect((await server.send('POST', `${path}/cancel`)).status).toBe(200);
    expect((await server.send('POST', `${path}/complete`, body)).status).toBe(404);
    expect((await server.send('PUT', `${path}/1`, form(bytes))).status).toBe(404);
  });

  it('a part of 10 MB is taken; a larger one is 413; a body that is no form is 400', async () => {
    const server = await restServer();
    const bytes = Buffer.alloc(10 * 1024 * 1024, 'x');
    const { path } = await upload(server, bytes, [bytes]);
    expect((await server.send('PUT', `${path}/2`, form(Buffer.alloc(13 * 1024 * 1024)))).status).toBe(413);
    expect((await server.send('PUT', `${path}/2`, 'raw', { 'content-type': 'text/plain' })).status).toBe(400);
    const broken = { 'content-type': 'multipart/form-data; boundary=x' };
    expect((await server.send('PUT', `${path}/2`, 'no form at all', broken)).status).toBe(400);
    expect((await server.send('PUT', `${path}/0`, form(bytes))).status).toBe(422);
  });

  it('an invalid hash never becomes a path', async () => {
    const server = await restServer();
    const reply = await server.send('POST', '/files/app/multipart/..%2f..%2fetc/initiate', metadata(Buffer.from('x')));
    expect(reply.status).toBe(422);
  });
});
