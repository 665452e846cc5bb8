import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { pairs, toApp } from '../../../exchange/headers.ts';
import { closeLike, forward, pingWhilePaused } from '../../../exchange/sockets/socket-pair.ts';
import { tunnelled } from '../../../exchange/sockets/tunnel.ts';
import { directInfo } from '../../../fleet/requests/leases.ts';
import { writeRawAnswer } from '../../http-server.ts';
import type { Access } from '../access.ts';
import { appId, type Resolved } from '../app-url.ts';
import type { GatewayDeps } from '../context.ts';
import { readRequestOptions } from '../request-info.ts';

export interface Tunnel {
  open(req: IncomingMessage, socket: Duplex, head: Buffer, about: TunnelOrder): void;
  /** Closes every socket (1001). */
  close(): void;
}

export interface TunnelOrder {
  readonly target: Resolved;
  readonly access: Access & { readonly ok: true };
  readonly requestId: string;
}

/**
 * Websockets of the run host: a transparent tunnel to the app's own websocket route. The upgrade is accepted before a
 * runner is known, so that cold starts happen after it; messages wait for the runner. One in-flight request for its
 * whole life; no retries, no priority, no start deadline.
 */
export function createTunnel(deps: GatewayDeps): Tunnel {
  const server = new WebSocketServer({ noServer: true, ...tunnelled });
  server.on('wsClientError', (error, socket) => writeRawAnswer(socket, 400, error.message));
  return {
    open(req, socket, head, about) {
      server.handleUpgrade(req, socket, head, (caller) => {
        carry(deps, req, caller, about).catch((error: unknown) => {
          deps.report(error);
          caller.terminate();
        });
      });
    },
    close() {
      for (const socket of server.clients) closeLike(socket, { code: 1001, reason: '' });
      server.close();
    },
  };
}

async function carry(deps: GatewayDeps, req: IncomingMessage, caller: WebSocket, about: TunnelOrder): Promise<void> {
  const { target, access, requestId } = about;
  const headers = pairs(req.rawHeaders);
  const gone = new AbortController();
  const options = readRequestOptions(headers, access.isOwner);
  const held = forward(caller, deps.limits.maxHeldSocketBytes);
  caller.once('close', () => gone.abort());
  pingWhilePaused(caller);

  const { path, query } = target;
  const call = {
    info: directInfo({
      id: requestId,
      alias: target.route.alias,
      channel: 'socket',
      method: 'GET',
      path: target.path,
      submittedAt: deps.clock(),
      startBy: null,
      hint: 'kind' in options ? null : options.hint,
    }),
    path,
    query,
    offer: req.headers['sec-websocket-protocol'],
    headers: toApp(headers, { requestId, app: appId(target), path, callerId: access.callerId }),
  };
  await deps.calls.connect(call, held, gone.signal);
}
