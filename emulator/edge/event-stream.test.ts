import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { expect, it, onTestFinished, vi } from 'vitest';
import { openEventStream } from './event-stream.ts';

it('holds nothing for a reader that disconnected before the end of the stream was set', async () => {
  const opened = Promise.withResolvers<ReturnType<typeof openEventStream>>();
  const left = Promise.withResolvers<void>();
  const app = express();
  app.get('/', (_request, response) => {
    const stream = openEventStream(response);
    stream.onClose(() => left.resolve());
    opened.resolve(stream);
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const reader = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' }).end();
  reader.on('error', () => undefined);
  const stream = await opened.promise;
  reader.destroy();
  await left.promise;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  stream.closeAt(Date.now() + 3_600_000);
  expect(vi.getTimerCount()).toBe(0);
});
