import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { RunnerAddress } from '../engines/engine.ts';
import { passOf } from '../engines/pass.ts';
import type { StopSignal } from '../local/loop/stop-signal.ts';
import type { RunnerConnections } from './connections.ts';
import type { Departures } from './departures.ts';
import { type HeaderList, pairs } from './headers.ts';
import { endlessInterim, type Failure, failureOf, unsendable } from './outcomes.ts';

/** What all exchanges share: created once. */
export interface Links {
  readonly connections: RunnerConnections;
  readonly departures: Departures;
}

/**
 * One HTTP exchange with a runner, the same for direct calls and queued attempts. It reports, it decides nothing.
 */
interface UpstreamCall {
  readonly address: RunnerAddress;
  readonly links: Links;
  readonly method: string;
  /** Path and query as they travel on the wire. */
  readonly path: string;
  /** Without `host` and without framing; see `body`. */
  readonly headers: HeaderList;
  readonly body: UpstreamBody;
  /** Each of them closes the connection to the runner. */
  readonly signals: readonly StopSignal[];
}

export type UpstreamBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** `length` undefined: chunked. `pump` writes what it has, ends the stream, and never throws. */
  | { readonly kind: 'stream'; readonly length: string | undefined; readonly pump: (to: ClientRequest) => void };

type UpstreamAnswer =
  /** The head has arrived; the body is still in `message`. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: HeaderList;
      readonly message: IncomingMessage;
    }
  | ({ readonly kind: 'failed' } & Failure);

/** The response fails if its headers are larger (docs/platform/gateway.md#headers-from-the-app). */
const maxResponseHeaderBytes = 16 * 1024;
/** Interim answers (1xx) before the real one: a sign of life every four seconds of an hour, and no more. */
const mostInterimAnswers = 1_000;

/** Resolves with the head of the answer, or with why there is none. Never rejects. */
export function performAttempt(call: UpstreamCall): Promise<UpstreamAnswer> {
  const { connections, departures } = call.links;
  return new Promise((resolve) => {
    const fail = (failure: Failure): void => resolve({ kind: 'failed', ...failure });
    if (call.signals.some(({ aborted }) => aborted)) return fail(failureOf('ABORT_ERR'));
    const request = open(call);
    if (!request) return fail(unsendable);
    let isAnswered = false;
    request.on('response', (message) => {
      isAnswered = true;
      // Many a server closes after an error without saying so, and only once it has printed its traceback.
      if ((message.statusCode ?? 500) >= 500) request.shouldKeepAlive = false;
      // Nobody will read the rest of the request: its connection would stay until the app takes it, which may be never.
      message.on('end', () => {
        if (!request.writableFinished) request.destroy();
      });
      resolve({ kind: 'answer', status: message.statusCode ?? 502, headers: pairs(message.rawHeaders), message });
    });
    limitInterim(request);
    // By hand: node's `signal` option costs each request a watcher of the stream's end, and `AbortSignal.any` one more
    // signal.
    const stop = (): void => void request.destroy();
    for (const signal of call.signals) signal.addEventListener('abort', stop, { once: true });
    request.on('close', () => {
      for (const signal of call.signals) signal.removeEventListener('abort', stop);
    });
    // Stays for the life of the request: an app may answer before it has read the body, and close.
    request.on('error', (error: Error & { code?: string }) => {
      const isStale = request.reusedSocket && !isAnswered && !call.signals.some(({ aborted }) => aborted);
      if (isStale) connections.distrust(call.address);
      fail(failureOf(error.code ?? '', isStale));
    });
    // Some other protocol was chosen although nobody offered one.
    request.on('upgrade', (_message, socket) => {
      socket.destroy();
      fail(failureOf('HPE_UPGRADE'));
    });
    departures.leaveTogether(call.address, request);
    if (call.body.kind === 'stream') call.body.pump(request);
    else request.end(call.body.kind === 'bytes' ? call.body.bytes : undefined);
  });
}

/**
 * An app could send interim answers without end, as fast as they are read: then it has failed like one that speaks no
 * HTTP.
 */
export function limitInterim(request: ClientRequest): void {
  let seen = 0;
  request.on('information', () => {
    if (++seen > mostInterimAnswers) request.destroy(Object.assign(new Error('endless'), { code: endlessInterim }));
  });
}

/** `undefined`: something in the caller's path or headers that node won't put on a wire. */
function open(call: UpstreamCall): ClientRequest | undefined {
  try {
    return httpRequest({
      host: call.address.host,
      port: call.address.port,
      method: call.method,
      path: call.path,
      headers: [...passOf(call.address), ...call.headers, ...framing(call)].flat(),
      agent: call.links.connections.agentFor(call.address),
      maxHeaderSize: maxResponseHeaderBytes,
    });
  } catch {
    return undefined;
  }
}

function framing({ address, method, body }: UpstreamCall): HeaderList {
  const host = ['host', `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`] as const;
  const length = body.kind === 'bytes' ? String(body.bytes.length) : body.kind === 'stream' ? body.length : undefined;
  if (length !== undefined) return [host, ['content-length', length]];
  if (body.kind === 'stream') return [host, ['transfer-encoding', 'chunked']];
  return ['POST', 'PUT', 'PATCH'].includes(method) ? [host, ['content-length', '0']] : [host];
}
