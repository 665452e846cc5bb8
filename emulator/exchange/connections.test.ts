import { expect, it, vi } from 'vitest';
import { closed } from '../testing/sockets.ts';
import { eachChunk } from './bodies/chunks.ts';
import { ownConnection } from './connections.ts';
import { testLinks, testRunner } from './testing/runner.ts';
import { performAttempt } from './upstream.ts';

const links = testLinks();
const { connections } = links;

async function call(address: { readonly host: string; readonly port: number }): Promise<string> {
  const body = { kind: 'none' } as const;
  const answer = await performAttempt({
    address,
    links,
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

it('reuses a connection once it has been seen to stay open', async () => {
  const { sockets, address } = await testRunner((_req, res) => res.end('x'));
  expect(await call(address)).toBe('x');
  await settled(address);
  expect(await call(address)).toBe('x');
  expect(sockets).toHaveLength(1);
});

it('opens a new connection for each request until then', async () => {
  const { sockets, address } = await testRunner((_req, res) => res.end('x'));
  expect(await call(address)).toBe('x');
  expect(await call(address)).toBe('x');
  expect(sockets).toHaveLength(2);
});

it.each([500, 502, 503, 504])('does not reuse a connection after a %d', async (status) => {
  const { sockets, address } = await testRunner((_req, res) => res.writeHead(status).end('x'));
  await call(address);
  const [first] = sockets;
  if (first) await closed(first);
  expect(await call(address)).toBe('x');
  expect(sockets).toHaveLength(2);
});

it('opens a new connection for each request permanently after a server has closed a kept one', async () => {
  const { sockets, address } = await testRunner((_req, res) => res.end('x'));
  await call(address);
  await settled(address);
  sockets[0]?.destroy();
  await vi.waitFor(() => expect(connections.agentFor(address)).toBe(ownConnection));
});

it('never reuses a connection of a server that hangs up without notice', async () => {
  const { sockets, address } = await testRunner((req, res) => {
    res.writeHead(200, { 'content-length': '1', connection: 'keep-alive' });
    res.end('x', () => req.socket.end());
  });
  for (let i = 0; i < 3; i++) expect(await call(address)).toBe('x');
  const first = sockets[0];
  expect(first).toBeDefined();
  if (first) await closed(first);
  for (let i = 0; i < 20; i++) expect(await call(address)).toBe('x');
  expect(sockets).toHaveLength(23);
});

it('blames no runner for what an earlier one on the same port did', async () => {
  const { address } = await testRunner((_req, res) => res.end('x'));
  connections.agentFor(address);
  connections.distrust(address);
  expect(connections.agentFor(address)).toBe(ownConnection);
  expect(connections.agentFor({ ...address })).not.toBe(ownConnection);
});
