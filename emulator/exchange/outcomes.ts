import { isOutOfDescriptorsCode, outOfDescriptors } from '../local/descriptors.ts';
import type { AttemptOutcome } from '../scheduler/events.ts';
import { type PlatformError, platformError } from '../wire/errors.ts';
import type { Signals } from './headers.ts';

/** The app sent a complete answer. */
export function answered(status: number, { needsRetry, stopRunner }: Signals): AttemptOutcome {
  return {
    kind: 'response',
    status,
    ...(needsRetry === undefined ? {} : { needsRetry }),
    ...(stopRunner === undefined ? {} : { stopRunner }),
  };
}

/** The attempt failed because of minifal itself: final, and not the runner's fault. */
export const notMade: AttemptOutcome = { kind: 'response', status: 500, needsRetry: false, stopRunner: false };

/** There was no complete answer: what to report to the scheduler, and what to send to the caller. */
export interface Failure {
  readonly outcome: AttemptOutcome;
  readonly error: PlatformError;
}

/** The body of an answer broke off: the outcome for the scheduler and for the caller. */
export const incomplete: Failure = {
  outcome: { kind: 'incomplete' },
  error: platformError('runner_incomplete_response', 'The runner ended its response before it was complete.'),
};

/** The caller's path or headers contain something that can't be sent over HTTP: not the runner's fault. */
export const unsendable: Failure = failed(
  { kind: 'response', status: 400 },
  'bad_request',
  "The request can't be forwarded.",
);

/** Our own error code: the app sent interim answers without end. */
export const tooManyInterim = 'INTERIM_WITHOUT_END';

/** Error codes for resources that this machine has run out of; the request was not sent. */
const exhausted: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'ENOMEM']);

/**
 * Interprets the error code of a connection. `isStale`: the connection had served a request before, so its server may
 * just have closed it, which proves nothing against the runner.
 */
export function failureOf(code: string, isStale = false): Failure {
  if (exhausted.has(code)) {
    const outcome = { kind: 'response', status: 503, stopRunner: false } as const;
    const why = isOutOfDescriptorsCode(code)
      ? outOfDescriptors('reach the runner').message
      : `This machine can't open a connection to the runner (${code}).`;
    return failed(outcome, 'runner_connection_error', why);
  }
  if (code === 'ECONNREFUSED') {
    return failed({ kind: 'connection_refused' }, 'runner_connection_refused', 'The runner refused the connection.');
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    const text = 'The response headers of the app are larger than 16 KB.';
    return failed({ kind: 'response', status: 502 }, 'runner_incomplete_response', text);
  }
  // The response wasn't HTTP, or it ended before a complete answer.
  if (code.startsWith('HPE_') || code === tooManyInterim) return incomplete;
  const outcome = { kind: 'disconnected', ...(isStale ? { isStale } : {}) } as const;
  return failed(outcome, 'runner_disconnected', 'The runner disconnected before it answered.');
}

function failed(outcome: AttemptOutcome, type: PlatformError['type'], detail: string): Failure {
  return { outcome, error: platformError(type, detail) };
}
