import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deferred } from '../../../exchange/testing/deferred.ts';
import type { TestGateway } from '../testing/bed.ts';
import { authorization, call } from '../testing/client.ts';
import { completed, ok, start, submit } from '../testing/queue-host.ts';

describe('status stream', () => {
  it('sends each change once, only new lines, and ends with COMPLETED', async () => {
    const release = deferred<void>();
    const gateway = await start(async (_req, res) => {
      await release.promise;
      res.end('done');
    });
    gateway.fleet.hold();
    const { id } = await submit(gateway);
    const { port, events, ended, contentType } = await listenTo(gateway, `/me/app/requests/${id}/status/stream?logs=1`);
    expect(port).toBe(gateway.ports.queue);
    expect(contentType).toMatch(/^text\/event-stream/);
    await expect.poll(() => events.length).toBe(1);
    gateway.fleet.release();
    await expect.poll(() => events.length).toBe(2);
    gateway.logs.add(id, 'first');
    await expect.poll(() => events.length).toBe(3);
    gateway.logs.add(id, 'second');
    await expect.poll(() => events.length).toBe(4);
    release.resolve();
    await ended;
    const seen = events.map(({ status: word, logs }) => [
      word,
      ...(Array.isArray(logs) ? logs.map(({ message }) => message) : []),
    ]);
    expect(seen).toEqual([
      ['IN_QUEUE'],
      ['IN_PROGRESS'],
      ['IN_PROGRESS', 'first'],
      ['IN_PROGRESS', 'second'],
      ['COMPLETED'],
    ]);
    expect(events.every((event) => typeof event.response_url === 'string')).toBe(true);
  });

  it('includes lines printed just before the answer in its last event, and so does the status', async () => {
    const gateway = await start(ok);
    gateway.fleet.hold();
    const { id } = await submit(gateway);
    gateway.fleet.unread.push(() => gateway.logs.add(id, 'last line'));
    const { events, ended } = await listenTo(gateway, `/me/app/requests/${id}/status/stream?logs=1`);
    await expect.poll(() => events.length).toBe(1);
    gateway.fleet.release();
    await ended;
    expect(events.at(-1)).toMatchObject({ status: 'COMPLETED', logs: [{ message: 'last line' }] });

    gateway.fleet.unread.push(() => gateway.logs.add(id, 'very last line'));
    const { body } = await call(gateway.ports.queue, `/me/app/requests/${id}/status?logs=true`);
    expect(JSON.parse(body).logs).toMatchObject([{ message: 'last line' }, { message: 'very last line' }]);
  });

  it('of a finished request consists of one event', async () => {
    const gateway = await start(ok);
    const { id } = await submit(gateway);
    await completed(gateway, id);
    const { events, ended } = await listenTo(gateway, `/me/app/requests/${id}/status/stream`);
    await ended;
    expect(events).toMatchObject([{ status: 'COMPLETED', logs: null }]);
  });

  it('with many log lines is cut off when nobody reads it, instead of kept in memory', async () => {
    const release = deferred<void>();
    const gateway = await start(async (_req, res) => {
      await release.promise;
      res.end('done');
    });
    const { id } = await submit(gateway);
    await expect.poll(() => gateway.queue.record(id)?.phase).toBe('IN_PROGRESS');
    const port = gateway.ports.queue;
    const path = `/me/app/requests/${id}/status/stream?logs=1`;
    const request = httpRequest({
      host: '127.0.0.1',
      port,
      path,
      headers: { ...authorization, host: `localhost:${port}` },
    });
    request.end();
    const [unread] = await once(request, 'response');
    unread.on('error', () => undefined);
    request.on('error', () => undefined);
    onTestFinished(() => void request.destroy());
    const line = 'x'.repeat(1024 * 1024);
    for (let n = 0; n < 64 && gateway.logs.followers() > 0; n++) {
      gateway.logs.add(id, line);
      await new Promise((turn) => setImmediate(turn));
    }
    await expect.poll(() => gateway.logs.followers()).toBe(0);
    release.resolve();
  });

  it('reports a changed position in the queue at once, and keeps a silent connection alive', async () => {
    const gateway = await start(ok, { positionIntervalMs: 3_600_000, pingIntervalMs: 1 });
    gateway.fleet.hold();
    const first = await submit(gateway);
    const { id } = await submit(gateway);
    const { events, comments } = await listenTo(gateway, `/me/app/requests/${id}/status/stream`);
    await expect.poll(() => events.length).toBe(1);
    await call(gateway.ports.queue, `/me/app/requests/${first.id}/cancel`, { method: 'PUT' });
    await expect.poll(() => events.length).toBe(2);
    expect(events.map((event) => event.queue_position)).toEqual([1, 0]);
    await expect.poll(() => comments()).toBeGreaterThan(0);
  });
});

/** Reads an event stream as it arrives. */
async function listenTo(gateway: TestGateway, path: string) {
  const port = gateway.ports.queue;
  const request = httpRequest({
    host: '127.0.0.1',
    port,
    path,
    headers: { ...authorization, host: `localhost:${port}` },
  });
  request.end();
  const [message] = await once(request, 'response');
  const events: { readonly [key: string]: unknown }[] = [];
  let text = '';
  message.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    events.splice(0, events.length, ...[...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json ?? '')));
  });
  message.on('error', () => undefined);
  onTestFinished(() => void request.destroy());
  const ended = once(message, 'end');
  ended.catch(() => undefined);
  return {
    port,
    events,
    ended,
    comments: () => [...text.matchAll(/^: /gm)].length,
    contentType: String(message.headers['content-type']),
  };
}
