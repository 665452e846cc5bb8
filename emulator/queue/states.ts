import type { RequestOptions, RequestOutcome, RequestRecord, SubmittedRequest } from './types.ts';

/**
 * Accepted, no attempt yet: `gateway_request_id` equals the request id until a retry (docs/platform/gateway.md#submit).
 */
export function newRecord(request: SubmittedRequest): RequestRecord {
  return {
    id: request.id,
    alias: request.alias,
    callerId: request.callerId,
    method: request.method,
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

/** The options that are stored with the record of a waiting request, separately from the rest of its input. */
export function requestOptionsOf({ priority, startBy, hint, noRetry, retries }: RequestOptions): RequestOptions {
  return { priority, startBy, hint, noRetry, retries };
}

/**
 * Failed, cancelled and timed-out requests are COMPLETED, too; their result contains the error
 * (docs/platform/gateway.md#status).
 */
export function completedRecord(record: RequestRecord, outcome: RequestOutcome, at: number): RequestRecord {
  const end =
    outcome.kind === 'response'
      ? { status: outcome.response.status, error: null }
      : { status: outcome.error.status, error: { type: outcome.error.type, detail: outcome.error.detail } };
  return { ...record, phase: 'COMPLETED', completedAt: at, ...end };
}
