import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createLiveClient, type StreamEnd } from './live.ts';

it.each([
  [503, { kind: 'broken' }],
  [500, { kind: 'broken' }],
  [401, { kind: 'refused', why: 'key' }],
  [404, { kind: 'refused', why: 'version' }],
] as const)('takes the status %i for %o: only what stays wrong is a refusal', async (status, expected) => {
  const server = createServer((_request, response) => void response.writeHead(status).end()).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = createLiveClient({ address: `http://127.0.0.1:${port}`, key: 'id:secret' });
  const end = await new Promise<StreamEnd>((onEnd) => client.follow({ onState: () => undefined, onEnd }));
  expect(end).toEqual(expected);
});
