import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createRunnerConnections } from './connections.ts';
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

it('uses a connection again once the runner was seen to keep one', async () => {
  const { sockets, address } = await runner((_req, res) => res.end('x'));
  expect(await call(address)).toBe('x');
  await vi.waitFor(() => expect(connections.agentFor(address)).toBeTruthy());
  const before = sockets.length;
  for (let i = 0; i < 5; i++) expect(await call(address)).toBe('x');
  expect(sockets.length - before).toBeLessThanOrEqual(1);
});

it('gives each request a connection of its own until then', async () => {
  const { sockets, address } = await runner((_req, res) => res.end('x'));
  const first = connections.agentFor(address);
  expect(first).toBeTruthy();
  expect(connections.agentFor(address)).toBe(false);
  expect(await call(address)).toBe('x');
  expect(await call(address)).toBe('x');
  expect(sockets).toHaveLength(2);
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

it('trusts no runner for what an earlier one on the same port did', async () => {
  const { address } = await runner((_req, res) => res.end('x'));
  await call(address);
  await vi.waitFor(() => expect(connections.agentFor(address)).toBeTruthy());
  const next = { ...address };
  connections.agentFor(next);
  expect(connections.agentFor(next)).toBe(false);
});
