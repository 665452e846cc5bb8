import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import { describe, expect, it } from 'vitest';
import { DiskTrouble } from '../../../local/disk-trouble.ts';
import { authorization, call } from '../testing/client.ts';
import { completed, ok, start, status, submit, urlsOf } from '../testing/queue-host.ts';

describe('submit', () => {
  it('answers 200 with URLs of the host that the caller used, once the request is on disk', async () => {
    const gateway = await start(ok);
    gateway.fleet.hold();
    const { reply, json, id } = await submit(gateway, '/me/app/sub/path?fal_webhook=https%3A%2F%2Fa.example%2Fb&x=1');
    expect(reply.status).toBe(200);
    expect(json).toEqual({
      status: 'IN_QUEUE',
      request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      gateway_request_id: id,
      queue_position: 0,
      ...urlsOf(gateway, id),
    });
    expect(reply.headers['x-fal-request-id']).toBe(id);
    expect(gateway.queue.submitted(id)).toMatchObject({
      alias: 'app',
      path: '/sub/path',
      query: 'x=1',
      webhook: 'https://a.example/b',
      callerId: 'local|minifal',
    });
  });

  it('returns https URLs over TLS', async () => {
    const gateway = await start(ok);
    const port = gateway.ports.queue;
    const request = httpsRequest({
      ...{ host: 'localhost', port, path: '/me/app', method: 'POST', ca: gateway.tls.caPem, agent: false },
      headers: { ...authorization, host: `localhost:${port}` },
    });
    request.end('{}');
    const [message] = await once(request, 'response');
    const chunks: Buffer[] = await message.toArray();
    const { status_url } = JSON.parse(Buffer.concat(chunks).toString());
    expect(status_url).toMatch(`https://localhost:${port}/me/app/requests/`);
  });

  it('keeps the validated options of the caller', async () => {
    const gateway = await start(ok);
    gateway.fleet.hold();
    const { id } = await submit(gateway, '/me/app', {
      'x-fal-request-timeout': '5',
      'x-fal-runner-hint': 'a',
      'x-fal-queue-priority': 'low',
      'x-fal-no-retry': 'yes',
      'x-fal-store-io': '0',
      'x-fal-retry-config': '{"server_error":{"retries":3},"timeout":3,"connection_error":{"retries":-1},"other":{}}',
    });
    const requested = {
      hint: 'a',
      priority: 'low',
      noRetry: true,
      retries: { server_error: 3 },
      startBy: gateway.time.now + 5000,
    };
    expect(gateway.queue.submitted(id)).toMatchObject({ ...requested, storeIo: false });
    expect(gateway.fleet.requests).toEqual([
      {
        id,
        alias: 'app',
        kind: 'queued',
        channel: 'queue',
        method: 'POST',
        path: '/',
        submittedAt: gateway.time.now,
        attempts: 0,
        ...requested,
      },
    ]);
  });

  it('accepts any bytes: the app refuses malformed JSON', async () => {
    let seen = '';
    const gateway = await start((req, res) => {
      req.on('data', (chunk: Buffer) => {
        seen += chunk.toString();
      });
      req.on('end', () => void res.writeHead(422, { 'content-type': 'application/json' }).end('{"detail": []}'));
    });
    const { id } = await submit(gateway, '/me/app', { 'content-type': 'application/json' }, '{"broken');
    await completed(gateway, id);
    expect(seen).toBe('{"broken');
    const result = await call(gateway.ports.queue, `/me/app/requests/${id}`);
    expect(result).toMatchObject({ status: 422, body: '{"detail": []}' });
    expect((await status(gateway, id)).json).toMatchObject({ status: 'COMPLETED', error: 'Invalid status code: 422' });
  });

  it('on a full disk is 500 internal_error with what, why and the next step', async () => {
    const gateway = await start(ok);
    gateway.store.sql('PRAGMA max_page_count = 1').all();
    const { reply, json } = await submit(gateway, '/me/app', {}, 'x'.repeat(100_000));
    expect([reply.status, reply.headers['x-fal-error-type']]).toEqual([500, 'internal_error']);
    expect(json).toEqual({
      detail: expect.stringMatching(/^The disk is full: .*\. Free some space/),
      error_type: 'internal_error',
    });
    expect(gateway.errors).toEqual([expect.any(DiskTrouble)]);
  });

  it('refuses more than fal_max_queue_length waiting requests with 429', async () => {
    const gateway = await start(ok);
    gateway.fleet.hold();
    await submit(gateway);
    await submit(gateway);
    expect((await submit(gateway, '/me/app?fal_max_queue_length=1')).reply.status).toBe(429);
    expect((await submit(gateway, '/me/app?fal_max_queue_length=2')).reply.status).toBe(200);
    expect((await submit(gateway, '/me/app?fal_max_queue_length=x')).reply.status).toBe(400);
  });

  it.each([
    ['/me/app', { authorization: 'Key a:b' }, 401],
    ['/me/other', authorization, 404],
    ['/me/app', { ...authorization, 'x-fal-request-timeout': '0.05' }, 400],
    ['/me/app', { ...authorization, origin: 'null' }, 403],
  ])('%s with %o: %i, with a request id', async (path, headers, code) => {
    const gateway = await start(ok);
    const reply = await call(gateway.ports.queue, path, { headers, body: '{}' });
    expect(reply.status).toBe(code);
    expect(reply.headers['x-fal-request-id']).toBeDefined();
    expect(gateway.fleet.requests).toEqual([]);
  });

  it('answers 413 to a body over the limit, and 405 to a GET without one', async () => {
    const gateway = await start(ok, { maxRequestBytes: 4 });
    expect((await call(gateway.ports.queue, '/me/app', { body: '12345' })).status).toBe(413);
    expect(await call(gateway.ports.queue, '/me/app')).toMatchObject({ status: 405, headers: { allow: 'POST' } });
  });
});
