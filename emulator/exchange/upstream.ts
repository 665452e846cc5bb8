import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { RunnerAddress } from '../engines/engine.ts';
import { passOf } from '../engines/pass.ts';
import { isOutOfDescriptorsCode, outOfDescriptors } from '../local/descriptors.ts';
import type { StopSignal } from '../local/loop/stop.ts';
import type { AttemptOutcome } from '../scheduler/types.ts';
import { type PlatformError, platformError } from '../wire/errors.ts';
import { withoutSlashes } from '../wire/slashes.ts';
import { ownConnection, type RunnerConnections } from './connections.ts';
import { leaveTogether } from './departures.ts';
import { type HeaderList, pairs } from './headers.ts';

/**
 * One HTTP exchange with a runner, the same for direct calls and queued attempts. It reports, it decides nothing.
 */
export interface UpstreamCall {
  readonly address: RunnerAddress;
  readonly connections: RunnerConnections;
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

export type UpstreamAnswer =
  /** The head has arrived; the body is still in `message`. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: HeaderList;
      readonly message: IncomingMessage;
    }
  /** No answer: what to report to the scheduler, and what to the caller. */
  | { readonly kind: 'failed'; readonly outcome: AttemptOutcome; readonly error: PlatformError };

/** The response fails if its headers are larger (docs/platform/gateway.md#headers-from-the-app). */
const maxResponseHeaderBytes = 16 * 1024;
const cancelPatienceMs = 10_000;
/** Interim answers (1xx) before the real one: a sign of life every four seconds of an hour, and no more. */
const mostInterimAnswers = 1_000;
const endlessInterim = 'INTERIM_WITHOUT_END';

/** Resolves with the head of the answer, or with why there is none. Never rejects. */
export function performAttempt(call: UpstreamCall): Promise<UpstreamAnswer> {
  return new Promise((resolve) => {
    if (call.signals.some(({ aborted }) => aborted)) return resolve(failure('ABORT_ERR'));
    const request = open(call);
    if (!request) {
      return resolve(failed({ kind: 'response', status: 400 }, 'bad_request', 'The request can not be sent on.'));
    }
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
      if (isStale) call.connections.distrust(call.address);
      resolve(failure(error.code ?? '', isStale));
    });
    // Some other protocol was chosen although nobody offered one.
    request.on('upgrade', (_message, socket) => {
      socket.destroy();
      resolve(failure('HPE_UPGRADE'));
    });
    leaveTogether(call.address, request);
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
      agent: call.connections.agentFor(call.address),
      maxHeaderSize: maxResponseHeaderBytes,
    });
  } catch {
    return undefined;
  }
}

/**
 * Hands the body of an answer on, chunk by chunk; where `take` gives a promise, the next one waits for it. Rejects when
 * the body breaks off or `take` fails. (An async iterator would do the same for a tenth of the gateway's time.)
 */
export function eachChunk(message: IncomingMessage, take: (chunk: Buffer) => Promise<void> | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      reject(error);
      message.destroy();
    };
    message.on('data', (chunk: Buffer) => {
      try {
        const taken = take(chunk);
        if (!taken) return;
        message.pause();
        taken.then(() => message.resume(), fail);
      } catch (error) {
        fail(error);
      }
    });
    message.on('end', resolve).on('error', reject);
    // Destroyed by us: neither of the others comes. Only then, for an error with its stack is a twentieth of a call.
    message.on('close', () => {
      if (!message.readableEnded) reject(new Error('the body was not read to its end'));
    });
  });
}

/**
 * Notifies the app that a request was cancelled: POST to `<path>/cancel` on the same runner with the same request id
 * (docs/platform/gateway.md#cancel). The answer doesn't matter: an app without that path says 404. Resolves when it is
 * over; never rejects.
 */
export async function sendCancel(address: RunnerAddress, path: string, requestId: string): Promise<void> {
  const answer = await performAttempt({
    address,
    connections: { agentFor: () => ownConnection, distrust: () => undefined },
    method: 'POST',
    path: `${withoutSlashes(path, 'end')}/cancel`,
    headers: [
      ['content-type', 'application/json'],
      ['x-fal-request-id', requestId],
    ],
    body: { kind: 'bytes', bytes: Buffer.from('{}') },
    signals: [AbortSignal.timeout(cancelPatienceMs)],
  });
  if (answer.kind === 'answer') answer.message.on('error', () => undefined).resume();
}

/** The body of an answer broke off: for the scheduler and for the caller. */
export const incomplete = {
  outcome: { kind: 'incomplete' } as const satisfies AttemptOutcome,
  error: platformError('runner_incomplete_response', 'The runner ended its response before it was complete.'),
};

function framing({ address, method, body }: UpstreamCall): HeaderList {
  const host = ['host', `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`] as const;
  const length = body.kind === 'bytes' ? String(body.bytes.length) : body.kind === 'stream' ? body.length : undefined;
  if (length !== undefined) return [host, ['content-length', length]];
  if (body.kind === 'stream') return [host, ['transfer-encoding', 'chunked']];
  return ['POST', 'PUT', 'PATCH'].includes(method) ? [host, ['content-length', '0']] : [host];
}

/** What this machine has run out of; the request has not left. */
const exhausted: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'ENOMEM']);

/**
 * `isStale`: on a connection that had served before, so that its server may just have closed it: no proof against the
 * runner.
 */
function failure(code: string, isStale = false): UpstreamAnswer {
  if (exhausted.has(code)) {
    const outcome = { kind: 'response', status: 503, stopRunner: false } as const;
    const why = isOutOfDescriptorsCode(code)
      ? outOfDescriptors('reach the runner').message
      : `This machine can open no connection to the runner (${code}).`;
    return failed(outcome, 'runner_connection_error', why);
  }
  if (code === 'ECONNREFUSED') {
    return failed({ kind: 'connection_refused' }, 'runner_connection_refused', 'The runner refused the connection.');
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    const text = 'The response headers of the app are larger than 16 KB.';
    return failed({ kind: 'response', status: 502 }, 'runner_incomplete_response', text);
  }
  // What came wasn't HTTP, or never came to an answer.
  if (code.startsWith('HPE_') || code === endlessInterim) return { kind: 'failed', ...incomplete };
  const outcome = { kind: 'disconnected', ...(isStale ? { isStale } : {}) } as const;
  return failed(outcome, 'runner_disconnected', 'The runner disconnected before it answered.');
}

function failed(outcome: AttemptOutcome, type: PlatformError['type'], detail: string): UpstreamAnswer {
  return { kind: 'failed', outcome, error: platformError(type, detail) };
}
