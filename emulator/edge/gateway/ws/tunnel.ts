import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { passOf } from '../../../engines/pass.ts';
import { type HeaderList, pairs, toApp } from '../../../exchange/headers.ts';
import {
  closeLike,
  forward,
  type Half,
  highWaterBytes,
  patient,
  pingWhilePaused,
} from '../../../exchange/sockets/socket-pair.ts';
import { limitInterim, sendCancel } from '../../../exchange/upstream.ts';
import type { Lease } from '../../../fleet/types.ts';
import type { AttemptOutcome } from '../../../scheduler/types.ts';
import { writeRawAnswer } from '../../http-server.ts';
import type { Access } from '../access.ts';
import type { GatewayDeps } from '../context.ts';
import { readWishes } from '../request-info.ts';
import { appId, type Resolved } from '../target.ts';

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
 * docs/platform/gateway.md#realtime-and-raw-sockets; every refusal and failure behind an accepted upgrade looks like
 * this.
 */
const forwardingError = { code: 1011, reason: 'Error while forwarding the request' } as const;
/** Python's side has no limit; ours is the memory of one message. */
export const maxMessageBytes = 256 * 1024 * 1024;
const common = { ...patient, perMessageDeflate: false, maxPayload: maxMessageBytes } as const;

/**
 * Websockets of the run host: a transparent tunnel to the app's own websocket route. The upgrade is accepted before a
 * runner is known, so that cold starts happen inside; messages wait for it. One in-flight request for its whole life;
 * no retries, no priority, no start deadline.
 */
export function createTunnel(deps: GatewayDeps): Tunnel {
  const server = new WebSocketServer({ noServer: true, ...common });
  server.on('wsClientError', (error, socket) => writeRawAnswer(socket, 400, error.message));
  return {
    open(req, socket, head, about) {
      server.handleUpgrade(req, socket, head, (caller) => {
        carry(deps, req, caller, about).catch((error: unknown) => {
          deps.onError(error);
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
  const wishes = readWishes(headers, access.isOwner);
  const held = forward(caller, deps.limits.maxHeldSocketBytes);
  caller.once('close', () => gone.abort());
  pingWhilePaused(caller);

  const lease = await deps.fleet.lease(
    {
      id: requestId,
      alias: target.route.alias,
      kind: 'direct',
      priority: 'normal',
      submittedAt: deps.clock(),
      startBy: null,
      hint: 'kind' in wishes ? null : wishes.hint,
      noRetry: true,
      retries: {},
      attempts: 0,
    },
    gone.signal,
  );
  if ('kind' in lease) return closeLike(caller, forwardingError);
  if (gone.signal.aborted && !held.hasLastWords()) return lease.end({ kind: 'caller_gone' });

  const appHeaders = toApp(headers, { requestId, app: appId(target), path: target.path, callerId: access.callerId });
  const app = dial(lease, target, req.headers['sec-websocket-protocol'], appHeaders);
  if (!app) {
    lease.end({ kind: 'response', status: 400 });
    return closeLike(caller, forwardingError);
  }
  const outcome = await join(held, app, lease, gone.signal);
  lease.end(outcome);
  if (outcome.kind === 'caller_gone') await sendCancel(lease.address, target.path, requestId);
}

/**
 * `offer`: the caller's subprotocols, as they stood in its header; browsers put tokens there. `undefined`: something in
 * the caller's path that is no websocket address (a `#`). No runner is to blame.
 */
function dial({ address }: Lease, target: Resolved, offer = '', headers: HeaderList): WebSocket | undefined {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  const query = target.query === '' ? '' : `?${target.query}`;
  const offered = offer.split(',').flatMap((name) => name.trim() || []);
  // The handshake is the gateway's own; what the caller's said about its connection stays behind.
  const passed = headers.filter(([name]) => !name.startsWith('sec-websocket-'));
  try {
    return new WebSocket(`ws://${host}:${address.port}${target.path}${query}`, offered, {
      headers: grouped([...passOf(address), ...passed]),
      ...common,
      followRedirects: false,
      finishRequest(request) {
        limitInterim(request);
        // The caller has its choice already, the first one: whatever the app chooses, or that it chooses none, changes
        // nothing.
        request.prependListener('upgrade', ({ headers }) => {
          if (offered[0] !== undefined) headers['sec-websocket-protocol'] = offered[0];
        });
        request.end();
      },
    });
  } catch {
    return undefined;
  }
}

function grouped(headers: HeaderList): { readonly [name: string]: string[] } {
  const values = new Map<string, string[]>();
  for (const [name, value] of headers) values.set(name, [...(values.get(name) ?? []), value]);
  // `__proto__` is a header's name like any other.
  return Object.fromEntries(values);
}

/** Lets the two talk until one of them ends it; resolves with how it ended, for the scheduler. */
async function join(caller: Half, app: WebSocket, lease: Lease, gone: AbortSignal): Promise<AttemptOutcome> {
  return await new Promise((resolve) => {
    let opened = false;
    let refusal: AttemptOutcome | undefined;
    app.on('unexpected-response', (request, response) => {
      refusal = { kind: 'response', status: response.statusCode ?? 502 };
      response.resume();
      request.destroy();
      app.terminate();
    });
    app.on('error', (error: Error & { code?: string }) => {
      refusal ??= opened ? undefined : { kind: error.code === 'ECONNREFUSED' ? 'connection_refused' : 'disconnected' };
    });
    const answers = forward(app, highWaterBytes);
    app.on('open', () => {
      opened = true;
      caller.to(app);
      answers.to(caller.socket);
      if (gone.aborted) closeLike(app, caller.closedBy);
    });
    app.on('close', (code, reason) => {
      if (gone.aborted) return resolve({ kind: 'caller_gone' });
      const broke = refusal !== undefined || code === 1006;
      closeLike(caller.socket, broke ? forwardingError : { code, reason: reason.toString() });
      resolve(refusal ?? (broke ? { kind: 'disconnected' } : { kind: 'response', status: 200 }));
    });
    lease.aborted.addEventListener('abort', () => app.terminate(), { once: true });
    if (lease.aborted.aborted) app.terminate();
    // The caller closed: pass that on to the app, which may need its time to get there: up to its `request_timeout`.
    const hangUp = (): void => {
      // Messages and a close that came before the app was there reach it when it is.
      if (app.readyState === app.CONNECTING && caller.hasLastWords()) return;
      if (app.readyState === app.CONNECTING || caller.closedBy.code === 1006) app.terminate();
      else closeLike(app, caller.closedBy);
    };
    gone.addEventListener('abort', hangUp, { once: true });
    if (gone.aborted) hangUp();
  });
}
