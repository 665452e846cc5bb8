import type { Http2Server, Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Server } from '@grpc/grpc-js';
import type { RpcStatus } from './rpc-error.ts';

export interface SessionRules {
  /** Checks a call by its headers; see call-guard.ts. */
  readonly check: (headers: IncomingHttpHeaders, raw: readonly string[]) => RpcStatus | undefined;
  /** Called once for a connection on which a call was permitted. */
  readonly onTrusted: (socket: Socket) => void;
  /** How long a connection may stay open without a permitted call. */
  readonly untrustedMs?: number;
}

/** The maximum number of concurrent calls on one connection; a client delays further calls automatically. */
export const maxStreams = 1_000;
/**
 * The number of refused calls after which a connection is closed: a client with a wrong key makes a few, and gets its
 * answers.
 */
const maxRefusals = 100;

/**
 * Puts a guard between grpc-js and its connections: until a call with a valid key has arrived, a connection is not
 * trusted. It gets answers of a few bytes, no state in grpc-js, and little time.
 */
export function guardSessions(server: Server, { check, onTrusted, untrustedMs = 60_000 }: SessionRules): void {
  const refusals = new WeakMap<Http2Session, number>();
  const untrusted = new WeakMap<Http2Session, NodeJS.Timeout>();

  function trust(session: Http2Session): void {
    const timer = untrusted.get(session);
    if (!timer) return;
    untrusted.delete(session);
    clearTimeout(timer);
    onTrusted(session.socket as Socket);
  }

  function refuse(session: Http2Session, stream: ServerHttp2Stream, { code, details }: RpcStatus): void {
    const count = (refusals.get(session) ?? 0) + 1;
    refusals.set(session, count);
    if (count > maxRefusals) return void session.destroy();
    const status = { 'grpc-status': String(code), 'grpc-message': encodeURI(details) };
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto', ...status }, { endStream: true });
    // Data that the caller is still sending is ignored.
    stream.close();
  }

  const { http2Servers } = server as unknown as { readonly http2Servers: ReadonlyMap<Http2Server, unknown> };
  for (const http2 of http2Servers.keys()) {
    http2.on('session', (session) => {
      const timer = setTimeout(() => session.destroy(), untrustedMs).unref();
      untrusted.set(session, timer);
      session.once('close', () => clearTimeout(timer));
    });
    const listeners = http2.listeners('stream');
    http2.removeAllListeners('stream');
    http2.on('stream', (stream, headers, flags, raw: readonly string[]) => {
      // A client may cancel a call in the packet that makes it. grpc-js (1.14.7) then still answers a call with a wrong
      // content type or of an unknown method. Answering a closed stream throws an error that nothing catches, which
      // would end the emulator.
      stream.on('error', () => undefined);
      const { session } = stream;
      if (stream.destroyed || stream.closed || !session) return;
      const refusal = check(headers, raw);
      if (refusal) return refuse(session, stream, refusal);
      trust(session);
      for (const listener of listeners) listener.call(http2, stream, headers, flags, raw);
    });
  }
}
