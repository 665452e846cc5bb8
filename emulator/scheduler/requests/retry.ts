import type { SchedulerError } from '../effects.ts';
import type { AttemptOutcome } from '../events.ts';
import type { Instant, RequestInfo, Retried, RetryCondition, RevisionSettings } from '../types.ts';

/** No request is attempted more often, whatever the budgets say (docs/platform/runners.md#retries). */
export const maxAttempts = 10;

/** Further attempts per condition where neither the caller nor the app says otherwise. */
const defaultRetries = 9;

/** How an attempt ended: as its executor saw it, or as the scheduler decided. */
export type AttemptEnd =
  | AttemptOutcome
  /** The runner ended during the attempt. `because` completes "the runner …". */
  | { readonly kind: 'runner_lost'; readonly because: string }
  /** `request_timeout` passed. */
  | { readonly kind: 'timeout' };

export interface RetryFacts {
  readonly request: Pick<RequestInfo, 'kind' | 'noRetry' | 'startBy' | 'retries'>;
  /** Attempts made, the ended one included. */
  readonly attempts: number;
  /** Retries granted so far, per condition. */
  readonly retried: Retried;
  readonly settings: Pick<RevisionSettings, 'skipRetry' | 'retries'>;
}

/** The decision about the request. `condition` null: the app itself asked for the retry. */
export type RetryDecision =
  | { readonly outcome: 'accept' }
  | {
      readonly outcome: 'retry';
      readonly at: Instant;
      readonly condition: RetryCondition | null;
      readonly because: string;
    }
  | { readonly outcome: 'fail'; readonly error: SchedulerError };

/**
 * Decides what follows an ended attempt, in the page's order (docs/platform/runners.md#retries): direct requests and
 * `X-Fal-No-Retry` never retry; only an attempt that would be retried can meet a passed start deadline;
 * `x-fal-needs-retry` on 5xx and 429 beats status and `skip_retry_conditions`; then the budget of the condition; ten
 * attempts in all.
 */
export function decideRetry(facts: RetryFacts, end: AttemptEnd, now: Instant): RetryDecision {
  const final = finalDecision(facts.request.kind, end);
  if (end.kind === 'caller_gone') return final;
  if (facts.request.kind === 'direct' || facts.request.noRetry) return final;
  const wanted = wantsRetry(facts, end);
  if (wanted === null || facts.attempts >= maxAttempts) return final;
  if (facts.request.startBy !== null && facts.request.startBy <= now) {
    return { outcome: 'fail', error: { type: 'request_timeout', user: true } };
  }
  return { outcome: 'retry', at: now + backOffMs(facts.attempts), ...wanted };
}

/** Whether there would be no retry if the attempt that `facts` already count were lost with its runner. */
export function isLast(facts: RetryFacts, now: Instant): boolean {
  return decideRetry(facts, { kind: 'runner_lost', because: 'is gone' }, now).outcome !== 'retry';
}

/** Wait after the n-th attempt: 1 s, doubling to 30 s (inferred: the page says only that there is one). */
export function backOffMs(attempts: number): number {
  return Math.min(30_000, 1000 * 2 ** Math.max(0, attempts - 1));
}

function wantsRetry(
  facts: RetryFacts,
  end: AttemptEnd,
): { readonly condition: RetryCondition | null; readonly because: string } | null {
  if (end.kind === 'response' && end.needsRetry !== undefined && (end.status >= 500 || end.status === 429)) {
    return end.needsRetry ? { condition: null, because: `the app answered ${end.status} and asked for a retry` } : null;
  }
  const trouble = troubleOf(end);
  if (trouble === null) return null;
  return facts.retried[trouble.condition] < budget(facts, trouble.condition) ? trouble : null;
}

/**
 * The caller's configuration, otherwise the app's skipped conditions or configuration, otherwise the platform's
 * default.
 */
function budget(facts: RetryFacts, condition: RetryCondition): number {
  const own = facts.request.retries[condition];
  if (own !== undefined) return own;
  if (facts.settings.skipRetry.includes(condition)) return 0;
  return facts.settings.retries[condition] ?? defaultRetries;
}

function troubleOf(end: AttemptEnd): { readonly condition: RetryCondition; readonly because: string } | null {
  switch (end.kind) {
    case 'response':
      if (end.status !== 503 && end.status !== 504) return null;
      return { condition: 'server_error', because: `the app answered ${end.status}` };
    case 'incomplete':
      return { condition: 'server_error', because: 'the response was incomplete' };
    case 'timeout':
      return { condition: 'timeout', because: 'the attempt took longer than request_timeout' };
    case 'connection_refused':
      return { condition: 'connection_error', because: 'the runner refused the connection' };
    case 'disconnected':
      return { condition: 'connection_error', because: 'the connection to the runner broke' };
    case 'runner_lost':
      return { condition: 'connection_error', because: `the runner ${end.because}` };
    case 'caller_gone':
      return null;
  }
}

/** The result when nothing is retried. */
function finalDecision(kind: RequestInfo['kind'], end: AttemptEnd): RetryDecision {
  switch (end.kind) {
    case 'response':
      return { outcome: 'accept' };
    case 'timeout':
      return { outcome: 'fail', error: { type: 'request_timeout', user: false } };
    case 'incomplete':
      return { outcome: 'fail', error: { type: 'runner_incomplete_response' } };
    case 'connection_refused':
      return { outcome: 'fail', error: { type: 'runner_connection_refused' } };
    case 'disconnected':
    case 'runner_lost':
      return { outcome: 'fail', error: { type: 'runner_disconnected' } };
    case 'caller_gone':
      return { outcome: 'fail', error: { type: kind === 'direct' ? 'client_disconnected' : 'client_cancelled' } };
  }
}
