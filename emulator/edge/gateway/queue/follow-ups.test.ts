import { describe, expect, it } from 'vitest';
import { deferred } from '../../../exchange/testing/deferred.ts';
import type { TestGateway } from '../testing/bed.ts';
import { call } from '../testing/client.ts';
import { completed, inProgress, ok, start, status, submit, urlsOf } from '../testing/queue-host.ts';

describe('status', () => {
  it('has exactly the documented keys, in each phase', async () => {
    const release = deferred<void>();
    const gateway = await start(async (_req, res) => {
      await release.promise;
      res.setHeader('content-type', 'application/json').end('{}');
    });
    gateway.fleet.hold();
    await submit(gateway);
    const { id } = await submit(gateway);
    const common = { request_id: id, ...urlsOf(gateway, id) };
    expect(await status(gateway, id)).toEqual({
      code: 202,
      json: { status: 'IN_QUEUE', queue_position: 1, ...common },
    });

    gateway.fleet.release();
    await inProgress(gateway, id);
    gateway.logs.add(id, 'hello');
    gateway.logs.add('another request', 'not yours');
    expect(await status(gateway, id)).toEqual({ code: 202, json: { status: 'IN_PROGRESS', logs: null, ...common } });
    const line = {
      message: 'hello',
      level: 'STDOUT',
      source: 'USER',
      timestamp: '2030-01-01T00:00:00.000Z',
      labels: { level: 'STDOUT', fal_request_id: id },
    };
    for (const query of ['?logs=1', '?logs=true']) expect((await status(gateway, id, query)).json.logs).toEqual([line]);
    for (const query of ['?logs=0', '?logs=false']) expect((await status(gateway, id, query)).json.logs).toBeNull();

    gateway.time.now += 1500;
    release.resolve();
    await completed(gateway, id);
    const done = { status: 'COMPLETED', logs: null, metrics: { inference_time: 1.5 }, ...common };
    expect(await status(gateway, id)).toEqual({ code: 200, json: done });
    gateway.time.now += 9000;
    expect((await status(gateway, id)).json).toEqual(done); // the same on every poll
  });

  it.each([
    ['/me/app/requests/ID/status/', 200],
    ['/me/app/some/path/requests/ID/status', 200],
    ['/me/app/requests/ID/', 200],
    ['/me/app/requests/ID/response', 200],
    ['/me/app/requests/ID/response/', 200],
    ['/me/open/requests/ID/status', 404],
    ['/me/app/requests/00000000-0000-4000-8000-000000000000/status', 404],
    ['/me/app/requests/bogus', 404],
  ])('GET %s answers %i without a redirect', async (path, code) => {
    const gateway = await start(ok);
    const { id } = await submit(gateway);
    await completed(gateway, id);
    const reply = await call(gateway.ports.queue, path.replace('ID', id));
    expect(reply.status).toBe(code);
    if (code === 404) expect(JSON.parse(reply.body)).toEqual({ status: 'NOT_FOUND' });
  });

  it('is 401 with a bad key, and unknown to callers without the account', async () => {
    const gateway = await start(ok);
    const { id } = await submit(gateway);
    const bad = { headers: { authorization: 'Key test-key:no' } };
    expect((await call(gateway.ports.queue, `/me/app/requests/${id}/status`, bad)).status).toBe(401);
    const owned = await submit(gateway, '/me/open');
    const path = `/me/open/requests/${owned.id}/status`;
    expect((await call(gateway.ports.queue, path, { headers: {} })).status).toBe(404);
    expect((await call(gateway.ports.queue, path)).status).toBeLessThan(300);
    const free = await call(gateway.ports.queue, '/me/open', { headers: {}, body: '{}' });
    const freePath = `/me/open/requests/${JSON.parse(free.body).request_id}/status`;
    expect((await call(gateway.ports.queue, freePath, { headers: {} })).status).toBeLessThan(300);
  });

  it('shows no lines of an app with private logs to others', async () => {
    const gateway = await start(ok);
    const submitted = await call(gateway.ports.queue, '/me/quiet', { headers: {}, body: '{}' });
    const id = JSON.parse(submitted.body).request_id;
    await completed(gateway, id);
    gateway.logs.add(id, 'secret');
    const path = `/me/quiet/requests/${id}/status?logs=1`;
    expect(JSON.parse((await call(gateway.ports.queue, path, { headers: {} })).body).logs).toEqual([]);
    expect(JSON.parse((await call(gateway.ports.queue, path)).body).logs).toHaveLength(1);
  });
});

describe('result', () => {
  it("is the app's answer, repeatable, with the request's id", async () => {
    const gateway = await start(ok);
    const { id } = await submit(gateway);
    await completed(gateway, id);
    for (let time = 0; time < 2; time++) {
      const reply = await call(gateway.ports.queue, `/me/app/requests/${id}`);
      expect(reply).toMatchObject({ status: 200, body: '{"result": 3}' });
      expect(reply.headers).toMatchObject({
        'content-type': 'application/json',
        'content-length': '13',
        'x-fal-request-id': id,
        'x-fal-billable-units': '2',
        'x-fal-served-from': 'runner-1',
      });
    }
  });

  it('is 400 with a detail until the request is completed', async () => {
    const gateway = await start(ok);
    gateway.fleet.hold();
    const { id } = await submit(gateway);
    const reply = await call(gateway.ports.queue, `/me/app/requests/${id}`);
    expect(reply.status).toBe(400);
    expect(JSON.parse(reply.body)).toEqual({ detail: expect.any(String) });
  });

  it("is the platform's error when there was no answer", async () => {
    const gateway = await start((req) => void req.socket.destroy());
    const { id } = await submit(gateway);
    await completed(gateway, id);
    const reply = await call(gateway.ports.queue, `/me/app/requests/${id}`);
    expect(reply).toMatchObject({
      status: 503,
      headers: { 'x-fal-error-type': 'runner_disconnected', 'x-fal-request-id': id },
    });
    expect((await status(gateway, id)).json).toMatchObject({ status: 'COMPLETED', error_type: 'runner_disconnected' });
  });
});

describe('cancel', () => {
  const cancel = (gateway: TestGateway, id: string, method = 'PUT') =>
    call(gateway.ports.queue, `/me/app/requests/${id}/cancel`, { method });

  it('of a waiting request: 202, and its result is 499', async () => {
    const gateway = await start(ok);
    gateway.fleet.hold();
    const { id } = await submit(gateway);
    const reply = await cancel(gateway, id);
    expect([reply.status, JSON.parse(reply.body)]).toEqual([202, { status: 'CANCELLATION_REQUESTED' }]);
    await completed(gateway, id);
    const result = await call(gateway.ports.queue, `/me/app/requests/${id}`);
    expect(result).toMatchObject({
      status: 499,
      phrase: 'Client Closed Request',
      headers: { 'x-fal-error-type': 'client_cancelled' },
    });
  });

  it('is answered only after it is on disk', async () => {
    const gateway = await start(ok);
    gateway.fleet.hold();
    const { id } = await submit(gateway);
    const onDisk = deferred<void>();
    const asked = deferred<void>();
    gateway.queue.settled = () => {
      asked.resolve();
      return onDisk.promise;
    };
    let answered = false;
    const reply = cancel(gateway, id).finally(() => {
      answered = true;
    });
    await asked.promise;
    // Any earlier answer would have arrived together with this one.
    await call(gateway.ports.queue, `/me/app/requests/${id}/status`);
    expect(answered).toBe(false);
    onDisk.resolve();
    expect((await reply).status).toBe(202);
  });

  it('of a running request reaches the app in parallel with the running call', async () => {
    const cancelled = deferred<string>();
    const gateway = await start(async (req, res) => {
      if (req.url === '/predict/cancel') {
        cancelled.resolve(String(req.headers['x-fal-request-id']));
        res.end('{}');
      } else {
        await cancelled.promise;
        res.writeHead(499).end('{"detail": "Request cancelled by the client."}');
      }
    });
    const { id } = await submit(gateway, '/me/app/predict');
    await inProgress(gateway, id);
    expect((await cancel(gateway, id, 'POST')).status).toBe(202);
    expect(await cancelled.promise).toBe(id);
    await completed(gateway, id);
    expect((await call(gateway.ports.queue, `/me/app/requests/${id}`)).status).toBe(499);
  });

  it('of a finished request: 400; of an unknown one: 404; with GET: 405', async () => {
    const gateway = await start(ok);
    const { id } = await submit(gateway);
    await completed(gateway, id);
    const late = await cancel(gateway, id);
    expect([late.status, JSON.parse(late.body)]).toEqual([400, { status: 'ALREADY_COMPLETED' }]);
    const unknown = await cancel(gateway, '00000000-0000-4000-8000-000000000000');
    expect([unknown.status, JSON.parse(unknown.body)]).toEqual([404, { status: 'NOT_FOUND' }]);
    expect((await cancel(gateway, id, 'GET')).status).toBe(405);
  });
});
