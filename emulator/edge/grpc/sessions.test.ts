import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { closed } from '../../testing/sockets.ts';
import { guardSessions } from './sessions.ts';

/** A grpc-js server behind the guard, and connections to it; calls with the header `key: good` are permitted. */
async function guarded(untrustedMs: number) {
  const server = new Server();
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const trusted: Socket[] = [];
  guardSessions(server, {
    check: ({ key }) => (key === 'good' ? undefined : { code: status.UNAUTHENTICATED, details: 'No key: 100 %.' }),
    onTrusted: (socket) => void trusted.push(socket),
    untrustedMs,
  });
  const port = createServer((socket) => injector.injectConnection(socket));
  port.listen(0, '127.0.0.1');
  await once(port, 'listening');
  onTestFinished(() => {
    server.forceShutdown();
    port.close();
  });
  const join = () => {
    const client = connectHttp2(`http://127.0.0.1:${(port.address() as AddressInfo).port}`);
    client.on('error', () => undefined);
    onTestFinished(() => client.destroy());
    return client;
  };
  return { join, trusted };
}

async function call(client: ClientHttp2Session, key: string) {
  const stream = client.request({ ':method': 'POST', ':path': '/no/where', 'content-type': 'application/grpc', key });
  stream.on('error', () => undefined);
  stream.resume();
  const headers = await new Promise<IncomingHttpHeaders | undefined>((resolve) => {
    stream.once('response', resolve).once('close', () => resolve(undefined));
  });
  return headers?.['grpc-status'];
}

describe('a connection without a good key', () => {
  it('gets its refusals with a message, and is closed after a hundred of them', async () => {
    const { join, trusted } = await guarded(60_000);
    const client = join();
    expect(await call(client, 'wrong')).toBe(String(status.UNAUTHENTICATED));
    const isClosed = closed(client);
    await Promise.all(Array.from({ length: 150 }, () => call(client, 'wrong')));
    await isClosed;
    expect(trusted).toEqual([]);
  });

  it('is closed after a while; one with a valid key stays, and is reported once', async () => {
    const { join, trusted } = await guarded(500);
    const known = join();
    expect(await call(known, 'good')).toBe(String(status.UNIMPLEMENTED));
    const stranger = join();
    await closed(stranger);
    expect(await call(known, 'good')).toBe(String(status.UNIMPLEMENTED));
    expect(trusted.length).toBe(1);
  });
});
