import type { AliasName, AttemptId, GpuChoice, Instant, Reason, RequestId, RevisionId, RunnerId } from './types.ts';

/** The scheduler's decisions: the output of `step`. */

/** Errors that the scheduler itself decides. Their messages and HTTP codes are in wire/errors.ts. */
export type SchedulerError =
  | {
      readonly type: 'request_timeout' /** The caller's start deadline passed: `X-Fal-Request-Timeout-Type: user`. */;
      readonly user: boolean;
    }
  | { readonly type: 'startup_timeout' }
  | { readonly type: 'runner_scheduling_failure'; readonly detail: string }
  | { readonly type: 'runner_disconnected' }
  | { readonly type: 'runner_connection_refused' }
  | { readonly type: 'runner_incomplete_response' }
  | { readonly type: 'client_cancelled' }
  | { readonly type: 'client_disconnected' };

export type Effect =
  | {
      readonly type: 'startRunner';
      readonly runnerId: RunnerId;
      readonly alias: AliasName;
      readonly revision: RevisionId;
      /** Absent: machine types don't matter. */
      readonly gpu?: GpuChoice;
    }
  /** SIGTERM to the runner's main process. */
  | { readonly type: 'terminateRunner'; readonly runnerId: RunnerId }
  /** SIGKILL to the runner's whole process group. */
  | { readonly type: 'killRunner'; readonly runnerId: RunnerId }
  /** The runner exchanges its code for that of `revision` while it runs; `runnerSwapped` has its answer. */
  | { readonly type: 'swapRunner'; readonly runnerId: RunnerId; readonly revision: RevisionId }
  /** Within the `timeoutSeconds` of the runner's settings. */
  | { readonly type: 'probeHealth'; readonly runnerId: RunnerId }
  | { readonly type: 'checkTcp'; readonly runnerId: RunnerId }
  /** The executor of the request (queue or gateway) now performs an attempt on this runner. */
  | {
      readonly type: 'assign';
      readonly requestId: RequestId;
      readonly attemptId: AttemptId;
      readonly runnerId: RunnerId;
      /**
       * The attempt would not be retried if it were lost, not even after a restart. Its beginning must be on disk
       * before it begins.
       */
      readonly last?: true;
    }
  /**
   * Close the attempt's connection to the runner. No `attemptEnded` is expected any more; a verdict effect follows in
   * the same step.
   */
  | {
      readonly type: 'abortAttempt';
      readonly requestId: RequestId;
      readonly attemptId: AttemptId;
      readonly runnerId: RunnerId;
    }
  /**
   * Verdict: the response of this attempt is the request's result (also for direct requests, where it is merely
   * closed).
   */
  | { readonly type: 'acceptAttempt'; readonly requestId: RequestId; readonly attemptId: AttemptId }
  /** Verdict: queued again, not before `availableAt`. */
  | {
      readonly type: 'requeueRequest';
      readonly requestId: RequestId;
      readonly availableAt: Instant;
      readonly because: string;
    }
  /** Verdict: the request ends with a platform error. */
  | { readonly type: 'failRequest'; readonly requestId: RequestId; readonly error: SchedulerError }
  /**
   * A rolling deploy's new revision is healthy (or recreate and detached switched at once): calls now go to `revision`.
   */
  | { readonly type: 'aliasMoved'; readonly alias: AliasName; readonly revision: RevisionId }
  /** A rolling deploy failed; the alias stays at the old revision. */
  | {
      readonly type: 'deployFailed';
      readonly alias: AliasName;
      readonly revision: RevisionId;
      readonly reason: string;
    };

/** What was decided and why, as data for the log and the panes. */
export interface Note {
  readonly at: Instant;
  readonly alias: AliasName;
  readonly runnerId?: RunnerId;
  /** The revision of the runner, if followers of its deploy should see the note. */
  readonly revision?: RevisionId;
  readonly requestId?: RequestId;
  /** e.g. `runner.state`, `request.waiting`, `scale`, `retry`. */
  readonly topic: string;
  /** Empty if `reason` says it. */
  readonly text: string;
  /** `request.waiting`, `runner.capacity`, `runner.state` to FAILURE_DELAY: what it waits for. */
  readonly reason?: Reason;
  readonly from?: string;
  readonly to?: string;
}
