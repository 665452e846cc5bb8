import { once } from 'node:events';
import { request as httpRequest, type RequestListener, type ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { deferred } from '../../../exchange/testing/deferred.ts';
import type { GatewayLimits } from '../context.ts';
import { startGateway, type TestGateway } from '../testing/bed.ts';
import { authorization, call } from '../testing/client.ts';

interface Session {
  readonly offer: { readonly [field: string]: unknown };
  readonly headers: { readonly [name: string]: unknown };
  readonly url: string;
  /** Resolves when the bridge has disconnected. */
  readonly left: Promise<void>;
  readonly response: ServerResponse;
}

/** A gateway in front of an app that answers offers like `fal.wma`. */
async function start(limits: Partial<GatewayLimits> = {}, answer?: RequestListener) {
  const opened = deferred<Session>();
  const app: RequestListener = (req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const offer = JSON.parse(Buffer.concat(chunks).toString());
      const left = new Promise<void>((resolve) => res.once('close', () => resolve()));
      opened.resolve({ offer, headers: req.headers, url: req.url ?? '', left, response: res });
      res.writeHead(200, { 'content-type': 'text/event-stream', 'x-fal-billable-units-webhook': '1' });
      res.write(`data: ${JSON.stringify({ sdp: 'the answer', type: 'answer', session_id: offer.session_id })}\n\n`);
    });
  };
  const gateway = await startGateway(answer ?? app, { limits, allowedOrigins: ['http://localhost:3000'] });
  onTestFinished(() => gateway.close());
  return { gateway, session: opened.promise };
}
const offer = { app_id: 'me/app', sdp: 'the offer', type: 'offer' };
const ask = async (
  gateway: TestGateway,
  path: string,
  body: object | string = offer,
  headers: { readonly [name: string]: string } = authorization,
) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const reply = await call(gateway.ports.wma, path, { body: text, headers });
  const isJson = reply.headers['content-type'] === 'application/json';
  return { status: reply.status, body: isJson ? JSON.parse(reply.body) : reply.body, headers: reply.headers };
};
const openOne = async (gateway: TestGateway): Promise<string> => (await ask(gateway, '/session')).body.session_id;

describe('a session over the bridge', () => {
  it('is opened by an offer, which the app receives with ICE servers and their status', async () => {
    const { gateway, session } = await start();
    const { status, body } = await ask(gateway, '/session');
    const { offer: got, headers, url } = await session;
    expect(status).toBe(200);
    expect(body).toEqual({ session_id: got.session_id, sdp: 'the answer', type: 'answer' });
    expect(body.session_id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(got).toEqual({
      sdp: 'the offer',
      type: 'offer',
      session_id: body.session_id,
      ice_servers: [{ urls: 'stun:stun.l.google.com:19302' }],
      ice_status: 'stun_only',
    });
    expect(url).toBe('/start-session');
    expect(headers).toMatchObject({
      'x-fal-caller-user-id': 'local|minifal',
      'x-fal-endpoint': 'me/app/start-session',
    });
    expect(headers.authorization).toBeUndefined();
    expect(gateway.fleet.billedLater).toEqual([headers['x-fal-request-id']]);
  });

  it('lasts while heartbeats arrive, and ends with the app', async () => {
    const { gateway, session } = await start();
    const session_id = await openOne(gateway);
    expect((await ask(gateway, '/session/heartbeat', { session_id })).body).toEqual({ alive: true });
    (await session).response.end();
    await expect
      .poll(() => ask(gateway, '/session/heartbeat', { session_id }))
      .toMatchObject({ body: { alive: false } });
    expect(gateway.fleet.ends).toMatchObject([{ outcome: { kind: 'response', status: 200 } }]);
  });

  it('ends without heartbeats: the app sees its caller leave', async () => {
    const { gateway, session } = await start({ wmaSilenceMs: 20 });
    const session_id = await openOne(gateway);
    await (await session).left;
    await expect.poll(() => gateway.fleet.ends).toMatchObject([{ outcome: { kind: 'caller_gone' } }]);
    expect((await ask(gateway, '/session/heartbeat', { session_id })).body).toEqual({ alive: false });
  });

  it('ends 15 seconds after its last heartbeat', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { gateway, session } = await start();
    const session_id = await openOne(gateway);
    for (let beat = 0; beat < 3; beat++) {
      vi.advanceTimersByTime(14_999);
      expect((await ask(gateway, '/session/heartbeat', { session_id })).body).toEqual({ alive: true });
    }
    vi.advanceTimersByTime(15_000);
    await (await session).left;
  });

  it('waits for the app as long as needed, regardless of heartbeats', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { gateway, session } = await start();
    gateway.fleet.hold();
    const opening = openOne(gateway);
    await expect.poll(() => gateway.fleet.requests.length).toBe(1);
    vi.advanceTimersByTime(60_000);
    gateway.fleet.release();
    expect(await opening).toBe((await session).offer.session_id);
  });

  it('ends at once when the caller leaves before the answer', async () => {
    const { gateway } = await start();
    gateway.fleet.hold();
    const headers = { ...authorization, host: `localhost:${gateway.ports.wma}` };
    const request = httpRequest({ port: gateway.ports.wma, path: '/session', method: 'POST', headers, agent: false });
    request.on('error', () => undefined);
    request.end(JSON.stringify(offer));
    await expect.poll(() => gateway.fleet.requests.length).toBe(1);
    request.destroy();
    await expect.poll(() => gateway.fleet.withdrawn.length).toBe(1);
  });

  it('ends with the bridge', async () => {
    const { gateway, session } = await start();
    await openOne(gateway);
    gateway.endSessions();
    await (await session).left;
    await expect.poll(() => gateway.fleet.ends).toMatchObject([{ outcome: { kind: 'caller_gone' } }]);
  });
});

describe('an app without an answer', () => {
  it.each<[string, RequestListener, number, unknown]>([
    [
      'an error of its own',
      (_req, res) => void res.writeHead(422, { 'content-type': 'application/json' }).end('{"detail":"no media"}'),
      422,
      { detail: 'no media' },
    ],
    ['no event', (_req, res) => void res.end(), 502, { error: expect.stringContaining('no SDP answer') }],
    ['another event', (_req, res) => void res.write('data: 1\n\n'), 502, { error: expect.stringContaining('no SDP') }],
    ['a break', (req) => void req.socket.destroy(), 503, { error_type: 'runner_disconnected' }],
  ])('is reported to the caller: %s', async (_name, app, status, body) => {
    const { gateway } = await start({}, app);
    const answer = await ask(gateway, '/session');
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject(body as object);
    await expect.poll(() => gateway.fleet.ends.length).toBe(1);
  });
});

describe('the bridge', () => {
  it('names the ICE servers of an app', async () => {
    const { gateway } = await start();
    const { status, body } = await ask(gateway, '/ice', { app_id: 'me/app' });
    expect(status).toBe(200);
    expect(body).toEqual({ ice_servers: [{ urls: 'stun:stun.l.google.com:19302' }], status: 'stun_only' });
  });

  it.each(['/ice', '/session', '/session/heartbeat'])('needs a key: %s', async (path) => {
    const { gateway } = await start();
    const without = await ask(gateway, path, offer, {});
    expect([without.status, without.body]).toEqual([401, { error: 'missing Authorization header' }]);
    expect((await ask(gateway, path, offer, { authorization: 'Key a:b' })).status).toBe(401);
    expect(gateway.fleet.requests).toEqual([]);
  });

  it.each([
    ['/ice', {}, 422, 'missing field `app_id`'],
    ['/session', { app_id: 'me/app', type: 'offer' }, 422, 'missing field `sdp`'],
    ['/session', { ...offer, type: 'answer' }, 422, expect.stringContaining('type')],
    ['/session/heartbeat', {}, 422, 'missing field `session_id`'],
    ['/session', { ...offer, app_id: 'me/app?x' }, 422, expect.stringContaining('app_id')],
    ['/session', '{', 400, 'The request body is not JSON.'],
    ['/session', '[]', 422, expect.stringContaining('body')],
    ['/session', { ...offer, app_id: 'me/none' }, 404, { error: 'Application "me/none" not found' }],
    ['/ice', { app_id: 'nobody' }, 404, { error: expect.stringContaining('nobody') }],
    ['/session/heartbeat', { session_id: 'none' }, 200, { alive: false }],
    ['/', offer, 404, { error: 'Not found' }],
    ['/session/x', offer, 404, { error: 'Not found' }],
  ])('answers %s %j with %i', async (path, body, status, words) => {
    const { gateway } = await start();
    const answer = await ask(gateway, path, body);
    expect([answer.status, answer.body]).toEqual([status, words]);
  });

  it('accepts no offer above 256 KB', async () => {
    const { gateway } = await start();
    expect((await ask(gateway, '/session', { ...offer, sdp: 'x'.repeat(256 * 1024) })).status).toBe(413);
  });

  it('accepts only POST', async () => {
    const { gateway } = await start();
    expect((await call(gateway.ports.wma, '/session')).status).toBe(405);
  });

  it('answers only pages of listed origins, and only under its own name', async () => {
    const { gateway } = await start();
    const from = (origin: string) => ask(gateway, '/ice', { app_id: 'me/app' }, { ...authorization, origin });
    const listed = await from('http://localhost:3000');
    expect(listed.headers['access-control-allow-origin']).toBe('http://localhost:3000');
    expect((await from('https://evil.example')).status).toBe(403);
    expect((await ask(gateway, '/ice', offer, { ...authorization, host: 'evil.example' })).status).toBe(403);
  });

  it('has no websockets', async () => {
    const { gateway } = await start();
    const headers = { host: `localhost:${gateway.ports.wma}`, connection: 'upgrade', upgrade: 'websocket' };
    const request = httpRequest({ port: gateway.ports.wma, path: '/session', headers, agent: false }).end();
    const [response] = await once(request, 'response');
    expect(response.statusCode).toBe(404);
    response.resume();
  });
});
