import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { RunnerAddress } from '../engine.ts';
import { acceptsConnections, probeHealth } from './health.ts';

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

async function listen(server: Server): Promise<RunnerAddress> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

function answering(status: number, seen: IncomingMessage[] = []): Promise<RunnerAddress> {
  return listen(
    createHttpServer((request, response) => {
      seen.push(request);
      response.writeHead(status).end();
    }),
  );
}

const undeclared = { path: null, method: 'GET' } as const;

describe('probeHealth', () => {
  it.each([
    [200, true],
    [204, true],
    [404, true],
    [405, true],
    [302, false],
    [500, false],
    [503, false],
  ])('without a declared path takes %i of GET /health for %s', async (status, healthy) => {
    const seen: IncomingMessage[] = [];
    expect(await probeHealth(await answering(status, seen), undeclared, 5)).toBe(healthy ? 'healthy' : 'unhealthy');
    expect(seen[0]).toMatchObject({ method: 'GET', url: '/health' });
  });

  it.each([
    [200, true],
    [404, false],
    [405, false],
    [503, false],
  ])('with a declared path takes %i for %s, by the declared method', async (status, healthy) => {
    const seen: IncomingMessage[] = [];
    const address = await answering(status, seen);
    expect(await probeHealth(address, { path: '/ready', method: 'POST' }, 5)).toBe(healthy ? 'healthy' : 'unhealthy');
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/ready' });
  });

  it('considers a server that speaks another protocol healthy unless a path is declared', async () => {
    const address = await listen(createServer((socket) => socket.resume().end('220 mail\r\n')));
    expect(await probeHealth(address, undeclared, 5)).toBe('healthy');
    expect(await probeHealth(address, { path: '/ready', method: 'GET' }, 5)).toBe('unhealthy');
  });

  it('gives up on a server that never answers', async () => {
    const sockets: { destroy(): void }[] = [];
    const address = await listen(createServer((socket) => sockets.push(socket)));
    expect(await probeHealth(address, undeclared, 0.05)).toBe('unhealthy');
    for (const socket of sockets) socket.destroy();
  });

  it('is false where nothing listens', async () => {
    const address = await answering(200);
    const [server] = servers.splice(0);
    await new Promise((resolve) => server?.close(resolve));
    expect(await probeHealth(address, undeclared, 5)).toBe('unhealthy');
    expect(await acceptsConnections(address)).toBe('unhealthy');
  });
});

describe('acceptsConnections', () => {
  it('is true for an open port', async () => {
    expect(await acceptsConnections(await answering(500))).toBe('healthy');
  });
});
