import type { Http2Server, Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Server } from '@grpc/grpc-js';
import type { RpcStatus } from './rpc-error.ts';

export interface SessionRules {
  /** Judges a call by its headers; see call-guard.ts. */
  readonly judge: (headers: IncomingHttpHeaders, raw: readonly string[]) => RpcStatus | undefined;
  /** Called once for a connection on which a call was let in. */
  readonly heard: (socket: Socket) => void;
  /** How long a connection may stay on which no call has been let in. */
  readonly strangerMs?: number;
}

/** Calls at once on one connection; a client waits with the next one by itself. */
export const maxStreams = 1_000;
/**
 * Refused calls of a connection, after which it is closed: a client with a wrong key makes a few, and gets its answers.
 */
const maxRefusals = 100;

/**
 * Puts a guard between grpc-js and its connections: until a call with a good key has come, a connection is a
 * stranger's, who gets answers of a few bytes, no state in grpc-js, and not much time.
 */
export function guardSessions(server: Server, { judge, heard, strangerMs = 60_000 }: SessionRules): void {
  const refusals = new WeakMap<Http2Session, number>();
  const strangers = new WeakMap<Http2Session, NodeJS.Timeout>();

  function letIn(session: Http2Session): void {
    const timer = strangers.get(session);
    if (!timer) return;
    strangers.delete(session);
    clearTimeout(timer);
    heard(session.socket as Socket);
  }

  function refuse(session: Http2Session, stream: ServerHttp2Stream, { code, details }: RpcStatus): void {
    const count = (refusals.get(session) ?? 0) + 1;
    refusals.set(session, count);
    if (count > maxRefusals) return void session.destroy();
    const status = { 'grpc-status': String(code), 'grpc-message': encodeURI(details) };
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto', ...status }, { endStream: true });
    // What the caller still sends is not waited for.
    stream.close();
  }

  const { http2Servers } = server as unknown as { readonly http2Servers: ReadonlyMap<Http2Server, unknown> };
  for (const http2 of http2Servers.keys()) {
    http2.on('session', (session) => {
      const timer = setTimeout(() => session.destroy(), strangerMs).unref();
      strangers.set(session, timer);
      session.once('close', () => clearTimeout(timer));
    });
    const listeners = http2.listeners('stream');
    http2.removeAllListeners('stream');
    http2.on('stream', (stream, headers, flags, raw: readonly string[]) => {
      // A client may take a call back in the packet that makes it. grpc-js (1.14.7) then still answers a call of a
      // wrong content type or of an unknown method, and answering a stream that is gone throws where nobody catches: it
      // would end the emulator.
      stream.on('error', () => undefined);
      const { session } = stream;
      if (stream.destroyed || stream.closed || !session) return;
      const refusal = judge(headers, raw);
      if (refusal) return refuse(session, stream, refusal);
      letIn(session);
      for (const listener of listeners) listener.call(http2, stream, headers, flags, raw);
    });
  }
}
