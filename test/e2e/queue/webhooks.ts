import { createHash, createPublicKey, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { jsClient } from '../../support/js-client.ts';
import { until } from '../../support/wait.ts';
import { account, emulator, freshKey, send } from './bed.ts';

let receiver: Server;
/** Where the receiver listens. `/flaky` fails the first time, `/moved` redirects. */
let hooks: string;
/** The calls that the webhook receiver got, by request id. */
const webhookCalls = new Map<string, { readonly headers: IncomingHttpHeaders; readonly body: string }[]>();

describe('a webhook', () => {
  beforeAll(async () => {
    receiver = createServer(async (request, response) => {
      const body = await text(request);
      const { request_id: id } = z.object({ request_id: z.string() }).parse(JSON.parse(body));
      const before = webhookCalls.get(id) ?? [];
      webhookCalls.set(id, [...before, { headers: request.headers, body }]);
      if (request.url === '/flaky' && before.length === 0) response.statusCode = 500;
      if (request.url === '/moved') response.writeHead(302, { location: '/' });
      response.end();
    });
    receiver.listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const address = receiver.address();
    hooks = `http://localhost:${typeof address === 'object' ? address?.port : 0}`;
  });
  afterAll(() => void receiver?.close());

  /** Verifies as the platform's documentation describes for receivers, using only the public key of the emulator. */
  async function isSigned({ headers, body }: { readonly headers: IncomingHttpHeaders; readonly body: string }) {
    const keySet = await (await fetch(`http://localhost:${emulator.ports.api}/.well-known/jwks.json`)).json();
    const [id, user, timestamp, signature] = ['request-id', 'user-id', 'timestamp', 'signature'].map((name) =>
      String(headers[`x-fal-webhook-${name}`]),
    );
    expect(Math.abs(Date.now() / 1000 - Number(timestamp))).toBeLessThan(300);
    const hash = createHash('sha256').update(body).digest('hex');
    const message = Buffer.from([id, user, timestamp, hash].join('\n'));
    return z
      .object({ keys: z.array(z.object({ x: z.string() })) })
      .parse(keySet)
      .keys.some(({ x }) => {
        const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
        return verify(null, message, key, Buffer.from(signature ?? '', 'hex'));
      });
  }

  it('is called once with the result or the error, with a valid signature', async () => {
    const cases = {
      ok: ['ok'],
      retried: ['503', 'ok'],
      failed: ['500'],
      text: ['text'],
    } as const;
    const calls = await Promise.all(
      Object.entries(cases).map(async ([name, steps]) => {
        const sent = await send(
          'scripted',
          { key: freshKey(), steps },
          {},
          `?fal_webhook=${encodeURIComponent(`${hooks}/`)}`,
        );
        expect(sent.gateway_request_id).toBe(sent.request_id);
        const [one] = await until('the webhook is called', () => webhookCalls.get(sent.request_id), {
          timeoutMs: 60_000,
        });
        if (!one) throw new Error('no call');
        expect(await isSigned(one)).toBe(true);
        expect(await isSigned({ ...one, body: one.body.replace('"', ' "') })).toBe(false);
        expect(one.headers['x-fal-webhook-request-id']).toBe(sent.request_id);
        const { request_id, gateway_request_id, ...rest } = z.looseObject({}).parse(JSON.parse(one.body));
        return [name, { ...rest, isFirstAttempt: gateway_request_id === request_id }] as const;
      }),
    );
    const runner = expect.any(Number);
    expect(Object.fromEntries(calls)).toEqual({
      ok: { status: 'OK', payload: { attempt: 1, runner }, isFirstAttempt: true },
      retried: { status: 'OK', payload: { attempt: 2, runner }, isFirstAttempt: false },
      failed: {
        status: 'ERROR',
        error: 'Invalid status code: 500',
        payload: { attempt: 1, runner },
        isFirstAttempt: true,
      },
      text: { status: 'OK', payload: null, payload_error: expect.any(String), isFirstAttempt: true },
    });
    for (const calls of webhookCalls.values()) expect(calls).toHaveLength(1);
  });

  it('that failed is called again after 5 s, unchanged but signed again; one that redirects is not', async () => {
    const to = (path: string) => `?fal_webhook=${encodeURIComponent(`${hooks}${path}`)}`;
    const { request_id: moved } = await send('scripted', { key: freshKey() }, {}, to('/moved'));
    const { request_id: flaky } = await send('scripted', { key: freshKey() }, {}, to('/flaky'));
    const [first, second] = await until(
      'it is called again',
      () => webhookCalls.get(flaky)?.length === 2 && webhookCalls.get(flaky),
      {
        timeoutMs: 60_000,
      },
    );
    if (!first || !second) throw new Error('no calls');
    expect(second.body).toBe(first.body);
    expect(await isSigned(second)).toBe(true);
    const at = (one: typeof first) => Number(one.headers['x-fal-webhook-timestamp']);
    expect(at(second) - at(first)).toBeGreaterThanOrEqual(4);
    expect(webhookCalls.get(moved)).toHaveLength(1);
  });

  it('can be requested by the JavaScript client, with priority and hint', async () => {
    const fal = jsClient(emulator);
    const { request_id: id } = await fal.queue.submit(`${account}/scripted`, {
      input: { key: freshKey() },
      webhookUrl: `${hooks}/`,
      priority: 'low',
      hint: 'some-hint',
    });
    await until('the webhook is called', () => webhookCalls.get(id));
    const { data, requestId } = await fal.queue.result(`${account}/scripted`, { requestId: id });
    expect([data, requestId]).toMatchObject([{ attempt: 1 }, id]);
  });
});
