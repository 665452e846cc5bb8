import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createRunnerConnections, ownConnection } from './connections.ts';
import { eachChunk, performAttempt } from './upstream.ts';

async function runner(app: RequestListener) {
  const sockets: Socket[] = [];
  const server = createServer(app).listen(0, '127.0.0.1');
  server.on('connection', (socket) => sockets.push(socket));
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return { sockets, address: { host: '127.0.0.1', port: typeof address === 'object' ? (address?.port ?? 0) : 0 } };
}

const connections = createRunnerConnections();

async function call(address: { readonly host: string; readonly port: number }): Promise<string> {
  const body = { kind: 'none' } as const;
  const answer = await performAttempt({
    address,
    connections,
    method: 'GET',
    path: '/',
    headers: [],
    body,
    signals: [],
  });
  if (answer.kind === 'failed') return answer.outcome.kind;
  let text = '';
  await eachChunk(answer.message, (chunk) => {
    text += chunk;
    return undefined;
  });
  return text;
}

/** Resolves when a connection to the runner is kept for reuse. */
async function settled(address: { readonly host: string; readonly port: number }): Promise<void> {
  const agent = connections.agentFor(address);
  await vi.waitFor(() => expect(Object.keys(agent.freeSockets)).toHaveLength(1));
}

it('uses a connection again once it was seen to stay open', async () => {
  const { sockets, address } = await runner((_req, res) => res.end('x'));
  expect(await call(address)).toBe('x');
  await settled(address);
  expect(await call(address)).toBe('x');
  expect(sockets).toHaveLength(1);
});

it('gives each request a connection of its own until then', async () => {
  const { sockets, address } = await runner((_req, res) => res.end('x'));
  expect(await call(address)).toBe('x');
  expect(await call(address)).toBe('x');
  expect(sockets).toHaveLength(2);
});

it.each([500, 502, 503, 504])('uses no connection again after a %d', async (status) => {
  const { sockets, address } = await runner((_req, res) => res.writeHead(status).end('x'));
  await call(address);
  const [first] = sockets;
  if (first && !first.destroyed) await once(first, 'close');
  expect(await call(address)).toBe('x');
  expect(sockets).toHaveLength(2);
});

it('gives each request its own for good where a server closed one that was kept', async () => {
  const { sockets, address } = await runner((_req, res) => res.end('x'));
  await call(address);
  await settled(address);
  sockets[0]?.destroy();
  await vi.waitFor(() => expect(connections.agentFor(address)).toBe(ownConnection));
});

it('never reuses a connection of a server that hangs up without a word', async () => {
  const { sockets, address } = await runner((req, res) => {
    res.writeHead(200, { 'content-length': '1', connection: 'keep-alive' });
    res.end('x', () => req.socket.end());
  });
  for (let i = 0; i < 3; i++) expect(await call(address)).toBe('x');
  const first = sockets[0];
  expect(first).toBeDefined();
  if (first && !first.destroyed) await once(first, 'close');
  for (let i = 0; i < 20; i++) expect(await call(address)).toBe('x');
  expect(sockets).toHaveLength(23);
});

it('blames no runner for what an earlier one on the same port did', async () => {
  const { address } = await runner((_req, res) => res.end('x'));
  connections.agentFor(address);
  connections.distrust(address);
  expect(connections.agentFor(address)).toBe(ownConnection);
  expect(connections.agentFor({ ...address })).not.toBe(ownConnection);
});
