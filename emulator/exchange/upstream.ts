import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { RunnerAddress } from '../engines/engine.ts';
import { passOf } from '../engines/pass.ts';
import type { StopSignal } from '../local/loop/stop-signal.ts';
import type { RunnerConnections } from './connections.ts';
import { type HeaderList, pairs } from './headers.ts';
import { type Failure, failureOf, tooManyInterim, unsendable } from './outcomes.ts';
import type { WriteBatches } from './write-batches.ts';

/** State that all exchanges share; created once. */
export interface Links {
  readonly connections: RunnerConnections;
  readonly writeBatches: WriteBatches;
}

/** One HTTP exchange with a runner, the same for direct calls and queued attempts. It reports and decides nothing. */
interface UpstreamCall {
  readonly address: RunnerAddress;
  readonly links: Links;
  readonly method: string;
  /** Path and query exactly as they are sent. */
  readonly path: string;
  /** Without `host` and without framing headers; see `body`. */
  readonly headers: HeaderList;
  readonly body: UpstreamBody;
  /** Each of them closes the connection to the runner. */
  readonly signals: readonly StopSignal[];
}

export type UpstreamBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** `length` undefined: chunked. `pump` writes its data, ends the stream, and never throws. */
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
/**
 * The maximum number of interim answers (1xx) before the final one: one sign of life every four seconds for an hour.
 */
const maxInterimResponses = 1_000;

/** Resolves with the head of the answer, or with the reason why there is none. Never rejects. */
export function performAttempt(call: UpstreamCall): Promise<UpstreamAnswer> {
  const { connections, writeBatches } = call.links;
  return new Promise((resolve) => {
    const fail = (failure: Failure): void => resolve({ kind: 'failed', ...failure });
    if (call.signals.some(({ aborted }) => aborted)) return fail(failureOf('ABORT_ERR'));
    const request = open(call);
    if (!request) return fail(unsendable);
    let isAnswered = false;
    request.on('response', (message) => {
      isAnswered = true;
      // Many servers close after an error without announcing it, and only after they have printed the traceback.
      if ((message.statusCode ?? 500) >= 500) request.shouldKeepAlive = false;
      // The rest of the request won't be read: its connection would stay open until the app takes the rest, maybe
      // forever.
      message.on('end', () => {
        if (!request.writableFinished) request.destroy();
      });
      resolve({ kind: 'answer', status: message.statusCode ?? 502, headers: pairs(message.rawHeaders), message });
    });
    limitInterim(request);
    // Done by hand: Node's `signal` option costs each request a watcher of the stream's end, and `AbortSignal.any` one
    // more signal.
    const stop = (): void => void request.destroy();
    for (const signal of call.signals) signal.addEventListener('abort', stop, { once: true });
    request.on('close', () => {
      for (const signal of call.signals) signal.removeEventListener('abort', stop);
    });
    // Stays for the life of the request: an app may answer and close before it has read the body.
    request.on('error', (error: Error & { code?: string }) => {
      const isStale = request.reusedSocket && !isAnswered && !call.signals.some(({ aborted }) => aborted);
      if (isStale) connections.distrust(call.address);
      fail(failureOf(error.code ?? '', isStale));
    });
    // The app switched to another protocol although none was offered.
    request.on('upgrade', (_message, socket) => {
      socket.destroy();
      fail(failureOf('HPE_UPGRADE'));
    });
    writeBatches.add(call.address, request);
    if (call.body.kind === 'stream') call.body.pump(request);
    else request.end(call.body.kind === 'bytes' ? call.body.bytes : undefined);
  });
}

/**
 * Limits interim answers. An app could send them without end, as fast as they are read; it then fails like an app that
 * doesn't speak HTTP.
 */
export function limitInterim(request: ClientRequest): void {
  let seen = 0;
  request.on('information', () => {
    if (++seen > maxInterimResponses) request.destroy(Object.assign(new Error('endless'), { code: tooManyInterim }));
  });
}

/** `undefined`: the caller's path or headers contain something that Node refuses to send. */
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
