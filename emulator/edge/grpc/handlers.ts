import type { ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import type { z } from 'zod';
import type { Report } from '../../local/loop/contain.ts';
import { type RpcStatus, toStatus } from './rpc-error.ts';

/** Checks the request, calls `handle`, and sends its value or its error. What `handle` wrote is committed by then. */
export function unary<Request>(schema: z.ZodType<Request>, report: Report, handle: (request: Request) => object) {
  return (call: ServerUnaryCall<unknown, object>, answer: sendUnaryData<object>): void => {
    void (async () => {
      try {
        answer(null, await handle(schema.parse(call.request)));
      } catch (error) {
        answer(toStatus(error, report));
      }
    })();
  };
}

/** The sending side of a server stream. */
export interface Replies {
  send(message: object): void;
  /** Whether the client keeps up; while false, hold back what can wait. */
  ready(): boolean;
  /** Calls back once when the client keeps up again. */
  onReady(resume: () => void): void;
}

/** A value of the call's metadata. */
export type Header = (name: string) => string | undefined;

/**
 * A server stream that closes when `handle` is done, with its error as the status. `signal` fires when the client
 * cancels or its connection breaks; clients also cancel after the terminal message, when there is nothing left to undo.
 */
export function serverStream<Request>(
  schema: z.ZodType<Request>,
  report: Report,
  handle: (request: Request, replies: Replies, signal: AbortSignal, header: Header) => Promise<void>,
) {
  return (call: ServerWritableStream<unknown, object>): void => {
    const gone = new AbortController();
    const cancel = () => gone.abort();
    call.on('cancelled', cancel);
    call.on('close', cancel);
    call.on('error', cancel);
    const replies: Replies = {
      send(message) {
        if (!gone.signal.aborted) call.write(message);
      },
      ready: () => !call.writableNeedDrain,
      onReady: (resume) => void call.once('drain', resume),
    };
    const finish = (failure?: RpcStatus) => {
      if (gone.signal.aborted) return;
      if (failure) call.emit('error', failure);
      else call.end();
    };
    void (async () => {
      try {
        await handle(schema.parse(call.request), replies, gone.signal, (name) =>
          call.metadata?.get(name)[0]?.toString(),
        );
        finish();
      } catch (error) {
        finish(toStatus(error, report));
      }
    })();
  };
}
