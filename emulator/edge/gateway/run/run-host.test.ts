import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { echo } from '../testing/apps.ts';
import { authorization, call } from '../testing/client.ts';
import { open, responseOf, start } from '../testing/run-host.ts';

describe('a direct call', () => {
  it.each([
    ['GET', '/me/app', '/'],
    ['POST', '/me/app/', '/'],
    ['PUT', '/me/app/a/b/?x=1&y=%2F', '/a/b/?x=1&y=%2F'],
    ['DELETE', '/me/app//double?fal_webhook=z&max_buffering=3&fal_jwt_token=t', '//double?max_buffering=3'],
    ['PATCH', '/me/app/%7Eraw%2Fpath', '/%7Eraw%2Fpath'],
  ])('%s %s reaches the app as %s', async (method, path, url) => {
    const gateway = await start(echo);
    const body = method === 'GET' || method === 'DELETE' ? undefined : 'payload';
    const reply = await call(gateway.ports.run, path, { method, ...(body ? { body } : {}) });
    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.body)).toMatchObject({ method, url, body: body ?? '' });
    expect(gateway.fleet.ends).toEqual([{ outcome: { kind: 'response', status: 200 } }]);
  });

  it('passes the app its context and none of the credentials or reserved headers', async () => {
    const gateway = await start(echo);
    const reply = await call(gateway.ports.run, '/me/app/predict', {
      headers: {
        ...authorization,
        'x-custom': 'kept',
        'x-app-fal-upload-policy': 'kept',
        'x-fal-runner-hint': 'lora:a',
        'x-fal-caller-user-id': 'forged',
        'x-fal-anything': 'forged',
        'x-fal-object-lifecycle-preference': 'not json',
      },
      body: '{}',
    });
    const { headers } = JSON.parse(reply.body);
    expect(headers).toMatchObject({
      'x-custom': 'kept',
      'x-app-fal-upload-policy': 'kept',
      'x-fal-request-id': reply.headers['x-fal-request-id'],
      'x-fal-endpoint': 'me/app/predict',
      'x-fal-caller-user-id': 'local|minifal',
      'x-fal-object-lifecycle-preference': '{}',
      'x-request-id': reply.headers['x-fal-request-id'],
    });
    expect(headers['x-fal-cdn-token']).toMatch(/^[\w-]{43,}$/);
    expect(Object.keys(headers)).not.toContain('authorization');
    expect(Object.keys(headers)).not.toContain('x-fal-runner-hint');
    expect(Object.keys(headers)).not.toContain('x-fal-anything');
    expect(gateway.fleet.requests[0]).toMatchObject({ kind: 'direct', hint: 'lora:a' });
  });

  it('is unlisted only if the owner asks for what the app describes, and says so', async () => {
    const gateway = await start(echo);
    const unlisted = { 'x-fal-minifal-unlisted': '1' };
    for (const [method, path, headers] of [
      ['GET', '/me/app/openapi.json', { ...authorization, ...unlisted }],
      ['GET', '/me/app/openapi.json', authorization],
      ['POST', '/me/app/openapi.json', { ...authorization, ...unlisted }],
      ['GET', '/me/app/other', { ...authorization, ...unlisted }],
    ] as const) {
      const reply = await call(gateway.ports.run, path, { method, headers });
      expect(JSON.parse(reply.body).headers).not.toHaveProperty('x-fal-minifal-unlisted');
    }
    await call(gateway.ports.run, '/me/app/openapi.json', {
      method: 'GET',
      headers: { ...authorization, 'x-fal-minifal-unlisted': 'ready' },
    });
    expect(gateway.fleet.requests.map(({ isUnlisted, aside }) => isUnlisted && aside)).toEqual([
      ...['or waits', undefined, undefined, undefined],
      'or fails',
    ]);
  });

  it("passes the app's status, headers and bytes to the caller, except those for the platform", async () => {
    const gateway = await start((_req, res) => {
      res.writeHead(200, [
        ...['content-type', 'application/json', 'x-fal-runner-hints', 'caf\u00e9,b', 'x-fal-needs-retry', '1'],
        ...['x-fal-stop-runner', 'true', 'x-fal-runner-health-check', '1', 'x-fal-billable-units-webhook', '1'],
        ...['set-cookie', 'a=1', 'set-cookie', 'b=2', 'x-fal-billable-units', '3', 'access-control-allow-origin', '*'],
      ]);
      res.end(Buffer.from('{}')); // node encodes headers as UTF-8 when a text follows
    });
    const { headers } = await call(gateway.ports.run, '/me/app', { body: '{}' });
    expect(Buffer.from(String(headers['x-fal-runner-hints']), 'latin1')).toEqual(Buffer.from('caf\u00e9,b', 'latin1'));
    expect(headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(headers['x-fal-billable-units']).toBe('3');
    expect(headers['x-fal-served-from']).toBe('runner-1');
    for (const name of [
      'x-fal-needs-retry',
      'x-fal-stop-runner',
      'x-fal-runner-health-check',
      'x-fal-billable-units-webhook',
      'access-control-allow-origin',
    ]) {
      expect(Object.keys(headers)).not.toContain(name);
    }
    expect(gateway.fleet.ends).toEqual([
      { outcome: { kind: 'response', status: 200, stopRunner: true }, hints: ['caf\u00e9', 'b'] },
    ]);
    expect(gateway.fleet.probes).toEqual(['runner-1']);
  });

  it('passes on a 503 of the app, and its request for a retry', async () => {
    const gateway = await start((_req, res) => {
      res.writeHead(503, { 'x-fal-needs-retry': 'true' }).end('CUDA error: out of memory');
    });
    const reply = await call(gateway.ports.run, '/me/app', { body: '{}' });
    expect(reply).toMatchObject({ status: 503, body: 'CUDA error: out of memory' });
    expect(reply.headers['x-fal-needs-retry']).toBe('true');
    expect(gateway.fleet.ends).toEqual([{ outcome: { kind: 'response', status: 503, needsRetry: true } }]);
  });

  it('passes redirects on without following them', async () => {
    const gateway = await start((_req, res) => void res.writeHead(307, { location: '/elsewhere' }).end());
    const reply = await call(gateway.ports.run, '/me/app', { body: '{}' });
    expect(reply).toMatchObject({ status: 307, headers: { location: '/elsewhere' } });
  });

  it('answers HEAD with the headers alone', async () => {
    const gateway = await start((_req, res) => void res.writeHead(200, { 'content-length': '5' }).end());
    const reply = await call(gateway.ports.run, '/me/app', { method: 'HEAD' });
    expect(reply).toMatchObject({ status: 200, body: '', headers: { 'content-length': '5' } });
  });

  it('streams the answer as it comes: each event arrives before the next one is sent', async () => {
    const steps: (() => void)[] = [];
    const gateway = await start((_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.flushHeaders();
      steps.push(
        () => res.write('data: 1\n\n'),
        () => res.write('data: 2\n\n'),
        () => res.end(),
      );
    });
    const request = open(gateway, '/me/app/stream');
    request.end('{}');
    const message = await responseOf(request); // head before any byte of the body
    steps[0]?.();
    expect(String((await once(message, 'data'))[0])).toBe('data: 1\n\n');
    steps[1]?.();
    expect(String((await once(message, 'data'))[0])).toBe('data: 2\n\n');
    expect(gateway.fleet.ends).toEqual([]); // in flight until the body ends
    steps[2]?.();
    await once(message, 'end');
    expect(gateway.fleet.ends).toEqual([{ outcome: { kind: 'response', status: 200 } }]);
  });

  it('streams the request as it comes: the app reads the first part before the second is sent', async () => {
    const gateway = await start((req, res) => {
      res.writeHead(200);
      req.on('data', (chunk: Buffer) => res.write(chunk.toString().toUpperCase()));
      req.on('end', () => res.end());
    });
    const request = open(gateway, '/me/app/upload');
    request.write('first ');
    const message = await responseOf(request);
    expect(String((await once(message, 'data'))[0])).toBe('FIRST ');
    request.end('second');
    expect(String((await once(message, 'data'))[0])).toBe('SECOND');
  });

  it('answers 413 to a body over the limit, announced or not', async () => {
    const gateway = await start(echo, { maxRequestBytes: 10 });
    expect(await call(gateway.ports.run, '/me/app', { body: 'x'.repeat(11) })).toMatchObject({ status: 413 });
    const request = open(gateway, '/me/app');
    for (const part of ['xxxxxx', 'xxxxxx']) request.write(part);
    const message = await responseOf(request);
    request.end();
    expect(message.statusCode).toBe(413);
    expect(message.headers['x-fal-request-id']).toBeDefined();
    expect((await call(gateway.ports.run, '/me/app', { body: 'x'.repeat(10) })).status).toBe(200);
  });

  it('does not accept an offer of another protocol', async () => {
    const gateway = await start(echo);
    const headers = {
      ...authorization,
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABk',
    };
    const reply = await call(gateway.ports.run, '/me/app', { headers, body: '{}' });
    expect(reply.status).toBe(200);
    expect(Object.keys(JSON.parse(reply.body).headers)).not.toContain('http2-settings');
  });

  it('answers Expect: 100-continue', async () => {
    const gateway = await start(echo);
    const request = open(gateway, '/me/app', { headers: { expect: '100-continue' } });
    request.flushHeaders();
    await once(request, 'continue');
    request.end('late');
    const message = await responseOf(request);
    expect(message.statusCode).toBe(200);
    message.resume();
  });

  it.each(['nonsense', '0.1', '-3', '', 'NaN', '0x10', '1e999'])(
    'answers 400 to X-Fal-Request-Timeout: %s',
    async (value) => {
      const gateway = await start(echo);
      const reply = await call(gateway.ports.run, '/me/app', {
        headers: { ...authorization, 'x-fal-request-timeout': value },
        body: '{}',
      });
      expect(reply.status).toBe(400);
      expect(reply.headers['x-fal-error-type']).toBe('bad_request');
    },
  );

  it('uses the start deadline of the caller, otherwise that of the alias', async () => {
    const gateway = await start(echo);
    await call(gateway.ports.run, '/me/hasty', { body: '{}' });
    await call(gateway.ports.run, '/me/hasty', {
      headers: { ...authorization, 'x-fal-request-timeout': '2.5' },
      body: '',
    });
    expect(gateway.fleet.requests.map(({ startBy }) => startBy)).toEqual([
      gateway.time.now + 7000,
      gateway.time.now + 2500,
    ]);
  });
});

it('answers what is not HTTP with 400 and a request id, and continues', async () => {
  const gateway = await start(echo);
  const socket = connect(gateway.ports.run, '127.0.0.1');
  socket.end('EHLO there\r\n\r\n');
  const [bytes] = await once(socket, 'data');
  expect(String(bytes)).toMatch(/^HTTP\/1\.1 400 .*x-fal-request-id: .*\{"detail":/s);
  expect((await call(gateway.ports.run, '/me/app')).status).toBe(200);
  expect(gateway.errors).toEqual([]);
});
