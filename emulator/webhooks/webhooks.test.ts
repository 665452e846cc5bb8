import { createHash, createPublicKey, verify } from 'node:crypto';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DiskTrouble } from '../local/disk-trouble.ts';
import { createQueue } from '../queue/queue.ts';
import { openTestStore, testRequest, testResponse } from '../queue/testing/requests.ts';
import { testFolder } from '../store/testing/folder.ts';
import { defaultLimits } from './lanes.ts';
import { type DeliveryResult, post } from './send.ts';
import { createSigning } from './signing.ts';
import { createWebhooks } from './webhooks.ts';

const minute = 60_000;

/** A receiver on its own port. It answers with these statuses in turn, then 200. */
async function receiver(...statuses: number[]) {
  const calls: { readonly headers: IncomingHttpHeaders; readonly body: Buffer }[] = [];
  const server = createServer(async (request, response) => {
    calls.push({ headers: request.headers, body: await buffer(request) });
    const status = statuses.shift() ?? 200;
    response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end('thanks');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return { calls, url: `http://localhost:${address.port}/hook?token=t` };
}

/** One run of an emulator with this folder. Time passes only when the test advances it. */
function life(folder: string, time: { now: number; jump?: number }, send: typeof post = post, limits = defaultLimits) {
  const store = openTestStore(join(folder, 'main.db'));
  onTestFinished(() => store.close());
  const clock = () => time.now + (time.jump ?? 0);
  const queue = createQueue({ store, clock });
  const signing = createSigning(join(folder, 'webhook-key.pem'));
  const timers: { readonly at: number; readonly run: () => void }[] = [];
  const givenUp: string[] = [];
  const errors: unknown[] = [];
  const webhooks = createWebhooks({
    store,
    queue,
    signing,
    post: send,
    clock,
    steady: { now: () => time.now, ahead: () => time.jump ?? 0 },
    later(delayMs, run) {
      const timer = { at: time.now + delayMs, run };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
    onGivenUp: (sentence) => void givenUp.push(sentence),
    report: (error) => void errors.push(error),
    limits,
  });
  onTestFinished(() => webhooks.close());
  const accept = async (id: string, url: string) => {
    const request = testRequest(id, { webhook: url });
    await queue.submit(request, 'refuse', webhooks.expect(request));
  };
  /** Advances time to the earliest timer. */
  const nextTimer = async () => {
    await expect.poll(() => timers.length).toBeGreaterThan(0);
    const timer = timers.shift();
    time.now = Math.max(time.now, timer?.at ?? 0);
    timer?.run();
  };
  const pending = () => store.sql('SELECT count(*) AS n FROM webhooks').get()?.n;
  return { store, queue, signing, webhooks, timers, givenUp, errors, accept, nextTimer, pending };
}

const hours = 60 * minute;

const done = testResponse('{"answer": 42}');

describe('a webhook', () => {
  it('is called once when the request is completed, signed so that a receiver can check it', async () => {
    const { calls, url } = await receiver();
    const { accept, queue, signing, pending, errors } = life(testFolder(), { now: 1_700_000_000_500 });
    await accept('r1', url);
    queue.begin('r1', { attemptId: 'a1', runnerId: 'x', at: 1 });
    expect(calls).toEqual([]);
    await queue.complete('r1', done, 2);
    await expect.poll(pending).toBe(0);
    expect(calls).toHaveLength(1);
    const [{ headers, body } = { headers: {}, body: Buffer.alloc(0) }] = calls;
    expect(JSON.parse(body.toString())).toEqual({
      request_id: 'r1',
      gateway_request_id: 'a1',
      status: 'OK',
      payload: { answer: 42 },
    });

    // Verify the signature as a receiver does.
    const about = ['request-id', 'user-id', 'timestamp'].map((name) => headers[`x-fal-webhook-${name}`]);
    expect(about).toEqual(['r1', 'local|minifal', '1700000000']);
    const signed = [...about, createHash('sha256').update(body).digest('hex')].join('\n');
    const signature = Buffer.from(String(headers['x-fal-webhook-signature']), 'hex');
    const [jwk] = signing.jwks.keys;
    expect(jwk?.x).toMatch(/^[\w-]{43}$/);
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: jwk?.x ?? '' }, format: 'jwk' });
    expect(verify(null, Buffer.from(signed), key, signature)).toBe(true);
    expect(verify(null, Buffer.from(`${signed}x`), key, signature)).toBe(false);
    expect(errors).toEqual([]);
  });

  it('is retried until the receiver accepts it', async () => {
    const { calls, url } = await receiver(500, 404);
    const time = { now: 0 };
    const { accept, queue, nextTimer, pending } = life(testFolder(), time);
    await accept('r1', url);
    await queue.complete('r1', done, 0);
    await nextTimer();
    await nextTimer();
    await expect.poll(pending).toBe(0);
    expect(calls).toHaveLength(3);
    expect(time.now).toBe(15_000);
  });

  it('is given up when the receiver redirects, without following the redirect', async () => {
    const { calls, url } = await receiver(302);
    const { accept, queue, givenUp, pending } = life(testFolder(), { now: 0 });
    await accept('r1', url);
    await queue.complete('r1', done, 0);
    await expect.poll(pending).toBe(0);
    expect(calls).toHaveLength(1);
    expect(givenUp).toEqual([
      expect.stringMatching(/^The webhook of request r1 to http:\/\/localhost:\d+ was given up.*302/),
    ]);
    // The query may contain a secret.
    expect(givenUp[0]).not.toContain('token');
  });

  it('is not called in a private network', async () => {
    const { accept, queue, givenUp, pending } = life(testFolder(), { now: 0 });
    await accept('r1', 'http://10.255.255.1:9/hook');
    await queue.complete('r1', done, 0);
    await expect.poll(pending).toBe(0);
    expect(givenUp[0]).toContain('private network');
  });

  it('is given up when the result has expired', async () => {
    const time = { now: 0 };
    const refused = async (): Promise<DeliveryResult> => ({ kind: 'retry', because: 'ECONNREFUSED' });
    const { accept, queue, timers, nextTimer, givenUp, pending } = life(testFolder(), time, refused);
    await accept('r1', 'http://localhost:1/hook');
    await queue.complete('r1', done, 0);
    await expect.poll(pending).toBe(1);
    for (let attempt = 1; pending() === 1; attempt++) {
      expect(attempt).toBeLessThan(33);
      await nextTimer();
      await expect.poll(() => timers.length > 0 || pending() === 0).toBe(true);
    }
    expect(givenUp).toEqual([expect.stringContaining('after attempt 32: ECONNREFUSED')]);
    expect(time.now).toBeLessThanOrEqual(60 * minute);
  });

  it('is not processed together with others whose results already reach the size limit', async () => {
    const urls: string[] = [];
    const slow = ({ url }: Parameters<typeof post>[0]) => {
      urls.push(url);
      return new Promise<DeliveryResult>(() => undefined);
    };
    const total = { calls: 256, bytes: 1_000_000 };
    const { accept, queue } = life(testFolder(), { now: 0 }, slow, { ...defaultLimits, total });
    const large = testResponse(`"${'x'.repeat(600_000)}"`);
    for (const id of ['r1', 'r2', 'r3', 'r4']) await accept(id, `http://${id}.localhost:1/`);
    await Promise.all(['r1', 'r2', 'r3', 'r4'].map((id) => queue.complete(id, large, 0)));
    await expect.poll(() => urls.length).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(urls).toHaveLength(2);
  });

  it('is not called while its receiver is at its limit of concurrent calls', async () => {
    const open: (() => void)[] = [];
    const slow = () =>
      new Promise<DeliveryResult>((resolve) => {
        open.push(() => resolve({ kind: 'delivered' }));
      });
    const { accept, queue, pending } = life(testFolder(), { now: 0 }, slow, {
      ...defaultLimits,
      ofReceiver: 2,
    });
    for (const id of ['r1', 'r2', 'r3']) {
      await accept(id, 'http://localhost:1/');
      await queue.complete(id, done, 0);
    }
    expect(open).toHaveLength(2);
    open[0]?.();
    await expect.poll(() => open.length).toBe(3);
    for (const finish of open) finish();
    await expect.poll(pending).toBe(0);
  });
});

describe('a webhook among receivers that never answer', () => {
  it('is called without waiting for them, and each of them gets its full timeout', async () => {
    let silent = 0;
    const seen: string[] = [];
    const send: typeof post = ({ url, timeoutMs, signal }) => {
      seen.push(new URL(url).host);
      if (url.includes('healthy')) return Promise.resolve({ kind: 'delivered' });
      silent++;
      expect(timeoutMs).toBe(15_000);
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve({ kind: 'retry', because: 'closed' }));
      });
    };
    const { accept, queue, nextTimer, pending } = life(testFolder(), { now: 0 }, send);
    for (let n = 0; n < 40; n++) {
      await accept(`s${n}`, `http://silent-${n % 20}.test/`);
      await queue.complete(`s${n}`, done, 0);
    }
    await accept('h', 'http://healthy.test/');
    await queue.complete('h', done, 0);
    expect([silent, seen.includes('healthy.test')]).toEqual([16, false]);
    // One second passes, after which the receivers count as silent. No call has timed out yet.
    await nextTimer();
    await expect.poll(pending).toBe(40);
    expect(seen.indexOf('healthy.test')).toBeLessThan(21);
    expect(silent).toBe(40);
  });
});

describe('on a full disk', () => {
  it('a webhook is refused with its request, and a delivered one is removed when there is space', async () => {
    const { url, calls } = await receiver();
    const { store, queue, webhooks, accept, pending, errors } = life(testFolder(), { now: 0 });
    await accept('r1', url);
    await queue.complete('r1', testResponse(), 0);
    store.sql('PRAGMA max_page_count = 1').all();
    const large = `${url}&${'x'.repeat(50_000)}`;
    await expect(accept('r2', large)).rejects.toThrow(DiskTrouble);
    webhooks.withdraw('r2');
    await expect.poll(() => calls.length).toBe(1);
    store.sql('PRAGMA max_page_count = 1000000').all();
    await expect.poll(() => pending()).toBe(0);
    expect(errors).toEqual([]);
  });

  it('the webhook of a request that was not accepted is removed', async () => {
    const { url, calls } = await receiver();
    const { queue, webhooks, pending } = life(testFolder(), { now: 0 });
    const request = testRequest('r1', { webhook: url });
    const note = webhooks.expect(request);
    webhooks.withdraw('r1');
    await queue.submit(request);
    await queue.complete('r1', testResponse(), 0);
    expect(calls).toEqual([]);
    expect(note).toBeDefined();
    expect(pending()).toBe(0);
  });

  it('is stored with its request: many submits at once are one transaction', async () => {
    const { store, signing } = life(testFolder(), { now: 0 });
    let transactions = 0;
    const counting = <A extends readonly unknown[], T>(work: (...args: A) => T) => {
      return (...args: A): T => {
        transactions++;
        return work(...args);
      };
    };
    const counted = {
      ...store,
      transaction: counting(store.transaction) as typeof store.transaction,
      transactEach: counting(store.transactEach),
      keep: counting(store.keep),
    };
    const queue = createQueue({ store: counted, clock: () => 0 });
    const webhooks = createWebhooks({
      store: counted,
      queue,
      signing,
      post: async () => ({ kind: 'delivered' }),
      clock: () => 0,
      later: () => () => undefined,
      onGivenUp: () => undefined,
      report: () => undefined,
    });
    const requests = Array.from({ length: 20 }, (_, n) => testRequest(`r-${n}`, { webhook: 'http://localhost:1/' }));
    await Promise.all(requests.map((request) => queue.submit(request, 'refuse', webhooks.expect(request))));
    expect(transactions).toBe(1);
    expect(store.sql('SELECT count(*) AS n FROM webhooks').get()?.n).toBe(20);
    webhooks.close();
  });
});

describe('after a crash', () => {
  it('a request accepted before the crash calls its webhook when it completes', async () => {
    const folder = testFolder();
    const { calls, url } = await receiver();
    await life(folder, { now: 0 }).accept('r1', url);

    const after = life(folder, { now: 0 });
    after.webhooks.resume();
    await after.queue.complete('r1', done, 5);
    await expect.poll(after.pending).toBe(0);
    expect(calls).toHaveLength(1);
  });

  it('a call that was in progress is made again, signed with the same key', async () => {
    const folder = testFolder();
    const { calls, url } = await receiver();
    const hanging = () => new Promise<DeliveryResult>(() => undefined);
    const before = life(folder, { now: 0 }, hanging);
    await before.accept('r1', url);
    await before.queue.complete('r1', done, 0);

    const after = life(folder, { now: 0 });
    after.webhooks.resume();
    await after.nextTimer();
    await expect.poll(after.pending).toBe(0);
    expect(calls).toHaveLength(1);
    expect(after.signing.jwks).toEqual(before.signing.jwks);
    expect(statSync(join(folder, 'webhook-key.pem')).mode & 0o777).toBe(0o600);
  });

  it('failed attempts still count, and the pause continues', async () => {
    const folder = testFolder();
    const time = { now: 0 };
    const failing = async (): Promise<DeliveryResult> => ({ kind: 'retry', because: 'x' });
    const before = life(folder, time, failing);
    await before.accept('r1', 'http://localhost:1/');
    await before.queue.complete('r1', done, 0);
    await before.nextTimer();
    await expect.poll(() => before.timers.length).toBe(1);
    await new Promise((committed) => setImmediate(committed));

    time.now += 4_000;
    const timeouts: number[] = [];
    const after = life(folder, time, async ({ timeoutMs }) => {
      timeouts.push(timeoutMs);
      return { kind: 'delivered' };
    });
    after.webhooks.resume();
    expect(after.timers.map(({ at }) => at)).toEqual([15_000]);
    await after.nextTimer();
    await expect.poll(() => timeouts).toEqual([120_000]);
  });

  it('a webhook whose request was never accepted is removed', async () => {
    const folder = testFolder();
    const before = life(folder, { now: 0 });
    const note = before.webhooks.expect(testRequest('r1', { webhook: 'http://localhost:1/' }));
    before.store.transaction(() => note?.());
    expect(before.pending()).toBe(1);
    const after = life(folder, { now: 0 });
    after.webhooks.resume();
    await expect.poll(() => after.pending()).toBe(0);
  });
});

describe.each([2 * hours, -2 * hours])('a webhook while the wall clock jumps by %d ms', (jump) => {
  it('is retried as before, and neither given up nor called without a pause', async () => {
    const { calls, url } = await receiver(500, 500);
    const time: { now: number; jump?: number } = { now: 10 * hours };
    const { queue, accept, timers, givenUp, nextTimer } = life(testFolder(), time);
    await accept('a', url);
    await queue.complete('a', done, time.now);
    await expect.poll(() => timers.map(({ at }) => at - time.now)).toEqual([5_000]);
    time.jump = jump;
    await nextTimer();
    await expect.poll(() => timers.map(({ at }) => at - time.now)).toEqual([10_000]);
    await nextTimer();
    await expect.poll(() => calls.length).toBe(3);
    expect(givenUp).toEqual([]);
  });

  it('waits at most two minutes when the jump happens between two runs', async () => {
    const { calls, url } = await receiver(500);
    const time: { now: number; jump?: number } = { now: 10 * hours };
    const folder = testFolder();
    const first = life(folder, time);
    await first.accept('a', url);
    await first.queue.complete('a', done, time.now);
    await expect.poll(() => first.timers.length).toBe(1);
    first.webhooks.close();
    await first.queue.settled();
    time.now += jump;
    const second = life(folder, time);
    second.webhooks.resume();
    expect(second.timers[0]?.at).toBeLessThanOrEqual(time.now + 2 * minute);
    if (jump < 0) {
      await second.nextTimer();
      await expect.poll(() => calls.length).toBe(2);
    }
  });
});
