import { once } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import { onTestFinished } from 'vitest';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { startGateway, type TestGateway } from './bed.ts';
import { authorization } from './client.ts';

const noHttp: RequestListener = (_req, res) => void res.writeHead(404).end();

/** A gateway in front of an app with one websocket route, `/realtime`. */
export async function startApp(
  route: (socket: WebSocket, req: IncomingMessage) => void,
  http: RequestListener = noHttp,
) {
  const gateway = await startGateway(http);
  onTestFinished(() => gateway.close());
  const server = new WebSocketServer({ noServer: true });
  gateway.runner.on('upgrade', (req, socket, head) => {
    if (!req.url?.startsWith('/realtime'))
      return void socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
    server.handleUpgrade(req, socket, head, (websocket) => route(websocket, req));
  });
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
  });
  return gateway;
}

export function dial(
  gateway: TestGateway,
  host: 'run' | 'ws',
  path: string,
  headers: object = authorization,
): WebSocket {
  const socket = new WebSocket(`ws://localhost:${gateway.ports[host]}${path}`, { headers: { ...headers } });
  onTestFinished(() => socket.terminate());
  return socket;
}

/** Messages in the order in which they arrived: text as text, binary as a Buffer. */
export function inbox(socket: WebSocket) {
  const messages: (string | Buffer)[] = [];
  socket.on('message', (data: RawData, binary) => {
    const bytes = Buffer.isBuffer(data) ? data : Buffer.alloc(0);
    messages.push(binary ? bytes : bytes.toString());
  });
  return messages;
}
export const closing = async (socket: WebSocket) => {
  const [code, reason] = await once(socket, 'close');
  return { code, reason: String(reason) };
};
