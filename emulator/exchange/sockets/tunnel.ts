import { WebSocket } from 'ws';
import type { RunnerAddress } from '../../engines/engine.ts';
import { passOf } from '../../engines/pass.ts';
import type { StopSignal } from '../../local/loop/stop-signal.ts';
import type { AttemptOutcome } from '../../scheduler/events.ts';
import type { CallInfo } from '../../telemetry/requests/types.ts';
import type { HeaderList } from '../headers.ts';
import { limitInterim } from '../upstream.ts';
import { closeLike, forward, highWaterBytes, longClose, type SocketHalf } from './socket-pair.ts';

/** A caller's websocket that is to be connected to a websocket of the app. */
export interface SocketCall {
  readonly info: CallInfo;
  /** Path within the app, without query: `/cancel` is appended to it. */
  readonly path: string;
  readonly query: string;
  /** The caller's subprotocols, exactly as they appear in its header; browsers put tokens there. */
  readonly offer: string | undefined;
  /** The complete headers for the app. */
  readonly headers: HeaderList;
}

/**
 * How every refusal and failure after an accepted upgrade looks (docs/platform/gateway.md#realtime-and-raw-sockets).
 */
const forwardingError = { code: 1011, reason: 'Error while forwarding the request' } as const;
/** Python's side has no limit; ours bounds the memory of one message. */
export const maxMessageBytes = 256 * 1024 * 1024;
/** Both sockets of a tunnel. */
export const tunnelled = { ...longClose, perMessageDeflate: false, maxPayload: maxMessageBytes } as const;

/** What a caller gets instead of a tunnel. */
export function refuseSocket(caller: SocketHalf): void {
  closeLike(caller.socket, forwardingError);
}

/**
 * Opens the app's websocket and connects the two until one of them closes. Resolves with how the tunnel ended, for the
 * scheduler. Never rejects.
 * @param on `gone`: the caller has closed; `aborted`: the platform ends the attempt.
 */
export async function openTunnel(
  call: SocketCall,
  address: RunnerAddress,
  caller: SocketHalf,
  on: { readonly gone: StopSignal; readonly aborted: StopSignal },
): Promise<AttemptOutcome> {
  const app = dial(call, address);
  if (app) return await join(caller, app, on);
  refuseSocket(caller);
  return { kind: 'response', status: 400 };
}

/** `undefined`: the caller's path is not a valid websocket address (a `#`). Not the runner's fault. */
function dial({ path, query, offer = '', headers }: SocketCall, address: RunnerAddress): WebSocket | undefined {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  const target = query === '' ? path : `${path}?${query}`;
  const offered = offer.split(',').flatMap((name) => name.trim() || []);
  // The gateway performs its own handshake; the caller's headers about its connection are dropped.
  const passed = headers.filter(([name]) => !name.startsWith('sec-websocket-'));
  try {
    return new WebSocket(`ws://${host}:${address.port}${target}`, offered, {
      headers: grouped([...passOf(address), ...passed]),
      ...tunnelled,
      followRedirects: false,
      finishRequest(request) {
        limitInterim(request);
        // The caller already has its subprotocol, the first one it offered. The app's choice, or its lack of one,
        // changes nothing.
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
  // `__proto__` is a header name like any other.
  return Object.fromEntries(values);
}

function join(
  caller: SocketHalf,
  app: WebSocket,
  { gone, aborted }: { readonly gone: StopSignal; readonly aborted: StopSignal },
): Promise<AttemptOutcome> {
  return new Promise((resolve) => {
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
    aborted.addEventListener('abort', () => app.terminate(), { once: true });
    if (aborted.aborted) app.terminate();
    // The caller closed. Forward the close to the app, which may need time to get to it: up to its `request_timeout`.
    const hangUp = (): void => {
      // Messages and a close that arrived before the app's socket was open are sent when it opens.
      if (app.readyState === app.CONNECTING && caller.hasPendingMessages()) return;
      if (app.readyState === app.CONNECTING || caller.closedBy.code === 1006) app.terminate();
      else closeLike(app, caller.closedBy);
    };
    gone.addEventListener('abort', hangUp, { once: true });
    if (gone.aborted) hangUp();
  });
}
