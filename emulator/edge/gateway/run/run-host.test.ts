import { once } from 'node:events';
import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deferred } from '../../../exchange/testing/deferred.ts';
import { platformError } from '../../../wire/errors.ts';
import type { GatewayLimits } from '../context.ts';
import { echo } from '../testing/apps.ts';
import { startGateway, type TestGateway } from '../testing/bed.ts';
import { authorization, call } from '../testing/client.ts';

const start = async (app: RequestListener, limits: Partial<GatewayLimits> = {}, allowedOrigins: string[] = []) => {
  const gateway = await startGateway(app, { limits, allowedOrigins });
  onTestFinished(() => gateway.close());
  return gateway;
};
const open = (gateway: TestGateway, path: string, options: { method?: string; headers?: object } = {}): ClientRequest =>
  httpRequest({
    host: '127.0.0.1',
    port: gateway.ports.run,
    path,
    method: options.method ?? 'POST',
    headers: { ...authorization, host: `localhost:${gateway.ports.run}`, ...options.headers },
    agent: false,
  });
const responseOf = async (request: ClientRequest): Promise<IncomingMessage> => {
  const [message]: IncomingMessage[] = await once(request, 'response');
  if (!message) throw new Error('no response');
  return message;
};

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

  it('hands the app its context and none of the credentials or reserved headers', async () => {
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

  it("hands the caller the app's status, headers and bytes, minus what was meant for the platform", async () => {
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

  it('hands over a 503 of the app, and its wish for a retry', async () => {
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

  it('does not take up an offer of another protocol', async () => {
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

  it('takes the start deadline of the caller, else that of the alias', async () => {
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

describe('a direct call that fails', () => {
  it("words the platform's error in body and headers", async () => {
    const gateway = await start(echo);
    gateway.fleet.refuseWith(platformError('request_timeout', 'Too late.', true));
    const reply = await call(gateway.ports.run, '/me/app', { body: '{}' });
    expect(reply.status).toBe(504);
    expect(JSON.parse(reply.body)).toEqual({ detail: 'Too late.', error_type: 'request_timeout' });
    expect(reply.headers).toMatchObject({
      'x-fal-error-type': 'request_timeout',
      'x-fal-request-timeout-type': 'user',
    });
    expect(reply.headers['x-fal-request-id']).toBeDefined();
  });

  it('is 503 when the runner refuses the connection, 503 when it hangs up, 502 when it breaks off', async () => {
    const gateway = await start((req, res) => {
      if (req.url === '/hang-up') req.socket.destroy();
      else res.writeHead(200, { 'content-length': '10' }).write('short', () => req.socket.destroy());
    });
    const hungUp = await call(gateway.ports.run, '/me/app/hang-up', { body: '{}' });
    expect(hungUp).toMatchObject({ status: 503, headers: { 'x-fal-error-type': 'runner_disconnected' } });
    await expect(call(gateway.ports.run, '/me/app/short', { body: '{}' })).rejects.toThrow(); // headers were out: cut
    gateway.runner.close();
    const refused = await call(gateway.ports.run, '/me/app', { body: '{}' });
    expect(refused).toMatchObject({ status: 503, headers: { 'x-fal-error-type': 'runner_connection_refused' } });
    expect(gateway.fleet.ends.map(({ outcome }) => outcome.kind)).toEqual([
      'disconnected',
      'incomplete',
      'connection_refused',
    ]);
  });

  it('is 502 when the app sends interim answers without end', async () => {
    const gateway = await start((req) => {
      const pour = (): void => {
        while (!req.socket.destroyed && req.socket.write('HTTP/1.1 102 Processing\r\n\r\n'.repeat(50)));
      };
      req.socket.on('drain', pour).on('error', () => undefined);
      pour();
    });
    const reply = await call(gateway.ports.run, '/me/app', { body: '{}' });
    expect(reply).toMatchObject({ status: 502, headers: { 'x-fal-error-type': 'runner_incomplete_response' } });
    expect(gateway.fleet.ends).toEqual([{ outcome: { kind: 'incomplete' } }]);
  });

  it('is 502 when the headers of the app are larger than 16 KB', async () => {
    const gateway = await start((_req, res) => void res.writeHead(200, { 'x-large': 'x'.repeat(17_000) }).end());
    const reply = await call(gateway.ports.run, '/me/app', { body: '{}' });
    expect(reply).toMatchObject({ status: 502, headers: { 'x-fal-error-type': 'runner_incomplete_response' } });
    expect(gateway.fleet.ends).toEqual([{ outcome: { kind: 'response', status: 502 } }]);
  });

  it('has its connection to the runner closed before the caller hears that the platform ended it', async () => {
    const closed = deferred<void>();
    const arrived = deferred<void>();
    const gateway = await start((req) => {
      req.socket.on('close', () => closed.resolve());
      arrived.resolve();
    });
    const reply = call(gateway.ports.run, '/me/app', { body: '{}' });
    await arrived.promise;
    gateway.fleet.abort(platformError('request_timeout', 'Took too long.'));
    await closed.promise;
    expect(await reply).toMatchObject({ status: 504, headers: { 'x-fal-error-type': 'request_timeout' } });
  });
});

describe('a caller that hangs up', () => {
  it('closes the connection to the runner and cancels on the same runner with the same request id', async () => {
    const arrived = deferred<string>();
    const closed = deferred<void>();
    const cancelled = deferred<{ url: string; method: string; id: string }>();
    const gateway = await start((req, res) => {
      const id = String(req.headers['x-fal-request-id']);
      if (req.url?.endsWith('/cancel')) {
        cancelled.resolve({ url: req.url, method: req.method ?? '', id });
        res.end();
        return;
      }
      res.on('close', () => closed.resolve());
      arrived.resolve(id);
    });
    const request = open(gateway, '/me/app/predict?x=1');
    request.on('error', () => undefined).end('{}');
    const id = await arrived.promise;
    request.destroy();
    await closed.promise;
    expect(await cancelled.promise).toEqual({ url: '/predict/cancel', method: 'POST', id });
    expect(gateway.fleet.ends).toEqual([{ outcome: { kind: 'caller_gone' } }]);
  });

  it('withdraws a request that waits for a runner', async () => {
    const gateway = await start(echo);
    gateway.fleet.hold();
    const request = open(gateway, '/me/app');
    request.on('error', () => undefined).end('{}');
    await expect.poll(() => gateway.fleet.requests.length).toBe(1);
    request.destroy();
    expect((await call(gateway.ports.run, '/me/nothing')).status).toBe(404); // the gateway continues
    gateway.fleet.release();
    expect((await call(gateway.ports.run, '/me/app')).status).toBe(200);
    expect(gateway.fleet.ends).toHaveLength(1); // the withdrawn one never got a lease
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
