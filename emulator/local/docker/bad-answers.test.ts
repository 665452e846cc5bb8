import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { testFolder } from '../../store/testing/folder.ts';
import { createApi, type EngineApi, EngineRefusal } from './api.ts';
import { connectEngine } from './connect.ts';

/** Answers each connection's first bytes. */
async function serve(where: string | number, answer: (socket: Socket) => void): Promise<Server> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    socket.once('data', () => answer(socket));
  });
  await new Promise<void>((resolve) => server.listen(where, resolve));
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return server;
}

const text = (bytes: string) => (socket: Socket) => void socket.end(bytes);

/** Sends the same bytes until the client closes the connection. */
const endless = (begin: string, more: string) => (socket: Socket) => {
  const send = (): void => {
    if (socket.destroyed) return;
    if (socket.write(more)) setImmediate(send);
    else socket.once('drain', send);
  };
  socket.write(begin);
  send();
};

const redirect = (location: string, status = 301) =>
  text(`HTTP/1.1 ${status} Moved\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`);

const ok = 'HTTP/1.1 200 OK\r\n';
const badAnswers: readonly [string, (socket: Socket) => void][] = [
  ['a relative redirect', redirect('/elsewhere')],
  ['a relative redirect that is temporary', redirect('elsewhere', 307)],
  ['a redirect to another protocol', redirect('ftp://localhost/')],
  ['a redirect to no address', redirect('http://[')],
  ['a redirect to nothing', redirect('')],
  ['no byte', (socket) => void socket.end()],
  ['headers that are cut', text(`${ok}Content-Le`)],
  ['a body that is cut', text(`${ok}Content-Length: 100\r\n\r\n{`)],
  ['a chunk that is cut', text(`${ok}Transfer-Encoding: chunked\r\n\r\n64\r\n{`)],
  ['a refusal that is cut', text('HTTP/1.1 500 Trouble\r\nContent-Length: 100\r\n\r\n{')],
  ['a status that HTTP has not, without end', endless('HTTP/1.1 999 Odd\r\n\r\n', 'x'.repeat(1000))],
  ['a status of zero, without end', endless('HTTP/1.1 000 Odd\r\n\r\n', 'x'.repeat(1000))],
  ['a chunk of no length', text(`${ok}Transfer-Encoding: chunked\r\n\r\nhello\r\n`)],
  ['two lengths', text(`${ok}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}`)],
  ['another protocol', text('SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n')],
  ['zeros', text('\0'.repeat(100_000))],
  ['a change of protocol to none', text('HTTP/1.1 101 Switching Protocols\r\n\r\n')],
  ['headers without end', endless(ok, `X-More: ${'x'.repeat(1000)}\r\n`)],
  ['a header without end', endless(`${ok}X-Long: `, 'x'.repeat(1000))],
  ['promises without end', endless('', 'HTTP/1.1 102 Processing\r\n\r\n')],
];

const order = { method: 'GET', path: '/containers/json' } as const;
const requests: readonly ((api: EngineApi) => Promise<unknown>)[] = [
  (api) => api.ask(order, z.unknown()),
  (api) => api.create({ path: '/containers/create', body: {} }),
  (api) => api.send(order),
  async (api) => {
    for await (const _ of await api.stream(order));
  },
  (api) => api.upgrade({ method: 'POST', path: '/session' }, 'h2c'),
];

describe('an engine that answers', () => {
  it.each(badAnswers)('%s is reported, and ends no more than the request', async (_name, answer) => {
    const path = join(testFolder(), 'docker.sock');
    await serve(path, answer);
    const api = createApi({ kind: 'unix', path }, '1.41', 500);
    const results = await Promise.allSettled(requests.map((request) => request(api)));
    expect(results.map(({ status }) => status)).toEqual(requests.map(() => 'rejected'));
    for (const result of results) expect(result).toHaveProperty('reason', expect.any(Error));
    const connected = connectEngine({ DOCKER_HOST: `unix://${path}` }, '/nowhere', [], 500);
    await expect(connected).rejects.toMatchObject({
      code: 'DOCKER_NOT_RUNNING',
      message: expect.stringMatching(/answer \(.+\)\.$/),
    });
  });

  it.each([301, 302, 303, 307, 308])('with a redirect (%i) gets no request at the other address', async (status) => {
    let visits = 0;
    const other = await serve(0, (socket) => {
      visits++;
      socket.end(`${ok}Content-Length: 2\r\n\r\n{}`);
    });
    const { port } = other.address() as { readonly port: number };
    const path = join(testFolder(), 'docker.sock');
    await serve(path, redirect(`http://127.0.0.1:${port}/`, status));
    const api = createApi({ kind: 'unix', path }, '1.41', 10_000);
    for (const request of requests) {
      const error = await request(api).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(EngineRefusal);
      expect(error).toMatchObject({ status, message: expect.stringContaining('redirect') });
    }
    expect(visits).toBe(0);
  });

  it('as usual to a request for a stream in both directions is refused', async () => {
    const path = join(testFolder(), 'docker.sock');
    await serve(path, text(`${ok}Content-Length: 2\r\n\r\n{}`));
    const upgrade = createApi({ kind: 'unix', path }, '1.41', 10_000).upgrade(
      { method: 'POST', path: '/session' },
      'h2c',
    );
    await expect(upgrade).rejects.toBeInstanceOf(EngineRefusal);
  });
});
