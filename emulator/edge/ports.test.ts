import { once } from 'node:events';
import { get } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { testFolder } from '../store/testing/folder.ts';
import { closed } from '../testing/sockets.ts';
import { createConnectionLimits } from './connection-limits.ts';
import type { EdgeHandlers } from './http-server.ts';
import { openPorts } from './ports.ts';
import { loadOrCreateTls } from './tls/ca.ts';

async function setUp() {
  const limits = createConnectionLimits();
  /** The callers whose request was read. */
  const used: Duplex[] = [];
  const noteUse = (socket: Socket): void => {
    used.push(socket);
    limits.noteUse(socket);
  };
  const open = await openPorts(0, await loadOrCreateTls(testFolder()), { ...limits, noteUse });
  onTestFinished(() => open.close());
  const calls: string[] = [];
  const host = (name: string): EdgeHandlers => ({
    request(req, res) {
      calls.push(`${name} ${req.url}`);
      req.pipe(res);
    },
    upgrade: (req, socket) => void socket.end(`HTTP/1.1 101 Hello ${name}${req.url}\r\n\r\n`),
  });
  const http2 = (socket: Duplex): void => {
    calls.push('http2');
    socket.destroy();
  };
  return {
    ports: open.ports,
    used,
    calls,
    serve() {
      const api = { ...host('api'), http2 };
      open.serve({ api, run: host('run'), queue: host('queue'), ws: host('ws') }, (error) => expect(error).toBeNull());
    },
  };
}

it('calls that arrive while the emulator starts are answered when it is ready', async () => {
  const { ports, used, calls, serve } = await setUp();
  const body = 'a'.repeat(1_000_000);
  const answers = Promise.all(
    [ports.api, ports.run, ports.queue].map(async (port) => {
      const answer = await fetch(`http://127.0.0.1:${port}/early`, { method: 'POST', body });
      return (await answer.text()).length;
    }),
  );
  const websocket = connect(ports.ws, '127.0.0.1');
  websocket.write('GET /w HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
  const session = connectHttp2(`http://127.0.0.1:${ports.api}`).on('error', () => undefined);
  const isClosed = closed(session);
  const leaves = get(`http://127.0.0.1:${ports.run}/gone`).on('error', () => undefined);
  await Promise.all([expect.poll(() => used.length).toBe(5), once(session, 'connect')]);
  leaves.destroy();
  await expect.poll(() => used.filter(({ destroyed }) => destroyed).length).toBe(1);
  serve();
  expect(await answers).toEqual([1_000_000, 1_000_000, 1_000_000]);
  expect(await text(websocket)).toMatch(/^HTTP\/1.1 101 Hello ws\/w/);
  await isClosed;
  expect(calls.toSorted()).toEqual(['api /early', 'http2', 'queue /early', 'run /early']);
});
