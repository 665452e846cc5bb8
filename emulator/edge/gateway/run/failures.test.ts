import { describe, expect, it } from 'vitest';
import { deferred } from '../../../exchange/testing/deferred.ts';
import { platformError } from '../../../wire/errors.ts';
import { echo } from '../testing/apps.ts';
import { call } from '../testing/client.ts';
import { open, start } from '../testing/run-host.ts';

describe('a direct call that fails', () => {
  it("returns the platform's error in body and headers", async () => {
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

  it('closes its connection to the runner before the caller is notified that the platform ended it', async () => {
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

  it('cancels a request that waits for a runner', async () => {
    const gateway = await start(echo);
    gateway.fleet.hold();
    const request = open(gateway, '/me/app');
    request.on('error', () => undefined).end('{}');
    await expect.poll(() => gateway.fleet.requests.length).toBe(1);
    request.destroy();
    expect((await call(gateway.ports.run, '/me/nothing')).status).toBe(404); // the gateway continues
    gateway.fleet.release();
    expect((await call(gateway.ports.run, '/me/app')).status).toBe(200);
    expect(gateway.fleet.ends).toHaveLength(1); // the cancelled one never got a lease
  });
});
