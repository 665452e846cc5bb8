import { platformError } from '../wire/errors.ts';
import type { RequestOutcome, RequestRecord, SubmittedRequest, Wishes } from './types.ts';

/** SQLite takes values of up to 10^9 bytes. */
export const largestBody = 900_000_000;

/** Accepted, no attempt yet: `gateway_request_id` equals the request id until a retry (gateway-http.md §4). */
export function newRecord(request: SubmittedRequest): RequestRecord {
  return {
    id: request.id,
    alias: request.alias,
    callerId: request.callerId,
    path: request.path,
    phase: 'IN_QUEUE',
    submittedAt: request.submittedAt,
    attemptId: request.id,
    attempts: 0,
    retried: { server_error: 0, timeout: 0, connection_error: 0 },
    startedAt: null,
    completedAt: null,
    runnerId: null,
    cancelRequested: false,
    status: null,
    error: null,
  };
}

/** What is kept with the record of a request that waits, apart from the rest of its input. */
export function wishesOf({ priority, startBy, hint, noRetry, retries }: Wishes): Wishes {
  return { priority, startBy, hint, noRetry, retries };
}

/** Failed, cancelled and timed-out requests are COMPLETED too; their result carries the error (gateway-http.md §5). */
export function completedRecord(record: RequestRecord, outcome: RequestOutcome, at: number): RequestRecord {
  const end =
    outcome.kind === 'response'
      ? { status: outcome.response.status, error: null }
      : { status: outcome.error.status, error: { type: outcome.error.type, detail: outcome.error.detail } };
  return { ...record, phase: 'COMPLETED', completedAt: at, ...end };
}

/** The outcome itself, or the error that takes its place because no store could hold it. */
export function storable(outcome: RequestOutcome): RequestOutcome {
  const bytes = outcomeBytes(outcome);
  if (bytes <= largestBody) return outcome;
  return {
    kind: 'error',
    error: platformError('internal_error', `A response of ${bytes} bytes is too large to store.`),
  };
}

export function outcomeBytes(outcome: RequestOutcome): number {
  return outcome.kind === 'response' ? outcome.response.body.length : 0;
}

/**
 * The same bytes in memory of their own: a small piece of a block that many share keeps the whole block. For what is
 * kept long.
 */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength === bytes.byteLength ? bytes : new Uint8Array(bytes);
}

export function onItsOwn(outcome: RequestOutcome): RequestOutcome {
  if (outcome.kind === 'error') return outcome;
  const { response } = outcome;
  return { kind: 'response', response: { ...response, body: ownBytes(response.body) } };
}
