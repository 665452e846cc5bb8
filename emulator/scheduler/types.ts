/**
 * The scheduler's vocabulary: what it knows, what can happen, what it decides.
 *
 * `step(world, event, now) -> { world, effects, notes }` owns every decision about time, scaling and retries.
 * Nothing below `scheduler/` reads a clock, makes a random number or performs I/O.
 * States, formulas and defaults: docs/platform/runners.md.
 */

/** Milliseconds since the epoch, handed in by the caller. */
export type Instant = number;

/** Wire name of an alias (`name`, or `name--env`), or the UUID of an ephemeral app. */
export type AliasName = string;
export type RevisionId = string;
export type RunnerId = string;
/** UUID of a request; stays the same over its attempts. */
export type RequestId = string;
/** `gateway_request_id`: equals the request id on the first attempt, new on each retry. */
export type AttemptId = string;

/** Alias-level settings: they act at once and outlive deploys (docs/platform/runners.md#settings-across-deploys). */
export interface ScaleSettings {
  readonly keepAliveSeconds: number;
  readonly minConcurrency: number;
  /** `null`: no limit of the alias's own. */
  readonly maxConcurrency: number | null;
  readonly concurrencyBuffer: number;
  readonly concurrencyBufferPerc: number;
  readonly scalingDelaySeconds: number;
  /** Seconds of processing that one attempt may take (default 3600). */
  readonly requestTimeoutSeconds: number;
  /** Default start deadline of the alias's requests; `null`: none. */
  readonly requestStartTimeoutSeconds: number | null;
}

export type RetryCondition = 'server_error' | 'timeout' | 'connection_error';

export interface HealthPolicy {
  /** Path declared by the app; `null`: the runner's engine decides (`/health`, else the open port). */
  readonly path: string | null;
  readonly method: 'GET' | 'POST';
  readonly startPeriodSeconds: number;
  readonly timeoutSeconds: number;
  readonly failureThreshold: number;
  readonly callRegularly: boolean;
}

/** Revision-level settings: they come from the code and act on runners started afterwards. */
export interface RevisionSettings {
  readonly maxMultiplexing: number;
  /** GPU slots of the machine that a runner takes, where there is a limit (room.ts); 0: none. */
  readonly gpuSlots: number;
  readonly startupTimeoutSeconds: number;
  readonly terminationGraceSeconds: number;
  readonly health: HealthPolicy;
  /** Conditions that are never retried. */
  readonly skipRetry: readonly RetryCondition[];
  /** Further attempts per condition; absent: the platform's default (nine, capped by ten attempts in all). */
  readonly retries: { readonly [C in RetryCondition]?: number };
}

export type StopReason =
  | 'keep_alive' // idle for keep_alive, or surplus
  | 'never_used' // a new runner that got no request within 10 s
  | 'stopped' // StopRunner
  | 'killed' // KillRunner
  | 'rollout' // replaced by a rollout
  | 'replaced' // another revision was deployed
  | 'alias_deleted'
  | 'start_failed' // setup raised, exited, or never became ready
  | 'startup_timeout'
  | 'unhealthy' // health check or TCP check failed
  | 'server_error' // the app answered 503 or x-fal-stop-runner
  | 'request_timeout'
  | 'disconnected' // connection to the runner broke
  | 'exited' // the process ended by itself
  | 'capacity' // the machine is full, and another app needs the place more
  | 'handover' // no GPU slot is free, and the new revision of its app needs one
  | 'supervisor_lost' // the supervisor above it died, which says nothing about the app
  | 'shutdown'; // the emulator stops

export type RunnerState =
  | { readonly kind: 'pending'; readonly since: Instant; readonly deadline: Instant }
  /** `percent`: how much of its image is there, a whole number. */
  | { readonly kind: 'dockerPull'; readonly since: Instant; readonly deadline: Instant; readonly percent: number }
  | { readonly kind: 'setup'; readonly since: Instant; readonly deadline: Instant }
  /** keep_alive counts from `since`. */
  | { readonly kind: 'idle'; readonly since: Instant }
  | { readonly kind: 'running'; readonly since: Instant; readonly attempts: readonly AttemptRef[] }
  | {
      readonly kind: 'draining';
      readonly since: Instant;
      readonly attempts: readonly AttemptRef[];
      readonly why: StopReason;
    }
  /** SIGTERM was sent; SIGKILL follows at `killAt`. Attempts may still be finishing. */
  | {
      readonly kind: 'terminating';
      readonly since: Instant;
      readonly killAt: Instant;
      readonly attempts: readonly AttemptRef[];
      readonly why: StopReason;
    }
  | { readonly kind: 'failureDelay'; readonly since: Instant; readonly retryAt: Instant; readonly failures: number }
  | { readonly kind: 'terminated'; readonly at: Instant; readonly why: StopReason };

/**
 * The states' names on the wire, in `minifal status` and in sentences (docs/platform/runners.md#states). The SDK crashes
 * on others.
 */
export const stateWords: { readonly [K in RunnerState['kind']]: string } = {
  pending: 'PENDING',
  dockerPull: 'DOCKER_PULL',
  setup: 'SETUP',
  idle: 'IDLE',
  running: 'RUNNING',
  draining: 'DRAINING',
  terminating: 'TERMINATING',
  failureDelay: 'FAILURE_DELAY',
  terminated: 'TERMINATED',
};

export interface AttemptRef {
  readonly requestId: RequestId;
  readonly attemptId: AttemptId;
}

export interface Runner {
  readonly id: RunnerId;
  readonly alias: AliasName;
  readonly revision: RevisionId;
  readonly state: RunnerState;
  /** When the runner was asked for. */
  readonly createdAt: Instant;
  /** When it first became ready; absent before. */
  readonly readyAt?: Instant;
  /** Whether any request was ever assigned to it. */
  readonly used: boolean;
  /** StopRunner with replace_first, and what became of it. */
  readonly replacement: 'none' | 'will' | 'did';
  /** Settings of its revision, as they were when it was started. */
  readonly settings: RevisionSettings;
  /** The latest `X-Fal-Runner-Hints`; `null`: the app doesn't use hints. */
  readonly hints: readonly string[] | null;
}

/** What the scheduler must know of a request. Its bytes are the queue's or the gateway's business. */
export interface RequestInfo {
  readonly id: RequestId;
  readonly alias: AliasName;
  /** Direct requests (and streams, sockets, function runs) are never retried. */
  readonly kind: 'queued' | 'direct';
  readonly priority: 'normal' | 'low';
  readonly submittedAt: Instant;
  /** Start deadline from the caller or the alias's default; `null`: none. */
  readonly startBy: Instant | null;
  readonly hint: string | null;
  /** `X-Fal-No-Retry`. */
  readonly noRetry: boolean;
  /** `X-Fal-Retry-Config` of the owner. */
  readonly retries: { readonly [C in RetryCondition]?: number };
  /** Attempts made before this event (recovered after a crash of the emulator); 0 for a new request. */
  readonly attempts: number;
  /** Only after a restart of the emulator. */
  readonly recovered?: Recovered;
}

/** Retries that a request was granted, by their conditions. */
export type Retried = { readonly [C in RetryCondition]: number };

/** What the queue still knew of a request after a restart. */
export interface Recovered {
  readonly retried: Retried;
  /** Its latest attempt ended with the emulator, and with the runner. */
  readonly interrupted: boolean;
}

/** How an attempt ended, as its executor saw it. */
export type AttemptOutcome =
  /** The app answered in full. `needsRetry` and `stopRunner` are the response headers of that name. */
  | { readonly kind: 'response'; readonly status: number; readonly needsRetry?: boolean; readonly stopRunner?: boolean }
  | { readonly kind: 'connection_refused' }
  /**
   * The connection broke before an answer. `isStale`: one that had served before; its server may just have closed it.
   */
  | { readonly kind: 'disconnected'; readonly isStale?: boolean }
  | { readonly kind: 'incomplete' }
  /** The caller of a direct request went away; the executor has closed its connection to the runner. */
  | { readonly kind: 'caller_gone' };

/** How a deploy moves the alias (docs/platform/runners.md#deploys). `detached`: rolling, but the alias first. */
export type Strategy = 'recreate' | 'rolling' | 'detached';

export type Event =
  /**
   * A first registration, redeploy or set-rev; also sent for each stored alias when the emulator starts (`strategy:
   * 'recreate'`).
   */
  | {
      readonly type: 'aliasDeployed';
      readonly alias: AliasName;
      readonly revision: RevisionId;
      readonly scale: ScaleSettings;
      readonly settings: RevisionSettings;
      readonly strategy: Strategy;
    }
  /** UpdateApplication: complete new settings of the present revision. */
  | {
      readonly type: 'aliasScaled';
      readonly alias: AliasName;
      readonly scale: ScaleSettings;
      readonly settings: RevisionSettings;
    }
  | { readonly type: 'aliasDeleted'; readonly alias: AliasName }
  | { readonly type: 'rolloutRequested'; readonly alias: AliasName; readonly force: boolean }
  | { readonly type: 'requestArrived'; readonly request: RequestInfo }
  /** After a start: what waited before, in its order. The same as if each arrived by itself. */
  | { readonly type: 'requestsRecovered'; readonly requests: readonly RequestInfo[] }
  /**
   * A waiting request is withdrawn. One that runs ends as it does (the executor posts the cancel call), but is not
   * retried.
   */
  | { readonly type: 'requestWithdrawn'; readonly requestId: RequestId }
  | {
      readonly type: 'attemptEnded';
      readonly requestId: RequestId;
      readonly attemptId: AttemptId;
      readonly outcome: AttemptOutcome;
      /** Value of `X-Fal-Runner-Hints`; absent: the header was missing. */
      readonly hints?: readonly string[];
    }
  /** The engine fetches its image, and has `percent` of it, a whole number (PENDING -> DOCKER_PULL). */
  | { readonly type: 'runnerPulling'; readonly runnerId: RunnerId; readonly percent: number }
  /** The engine has a process (PENDING or DOCKER_PULL -> SETUP). */
  | { readonly type: 'runnerStarted'; readonly runnerId: RunnerId }
  /** Port open, setup done, health check passed (SETUP -> IDLE). */
  | { readonly type: 'runnerReady'; readonly runnerId: RunnerId }
  /**
   * The process is gone. `reason` is a sentence for people. `cause`: not by itself, but with the supervisor above it.
   */
  | {
      readonly type: 'runnerExited';
      readonly runnerId: RunnerId;
      readonly reason: string;
      readonly cause?: 'supervisor_lost';
    }
  | {
      readonly type: 'healthProbed';
      readonly runnerId: RunnerId;
      readonly ok: boolean /** Asked for by the app: one failure ends the runner. */;
      readonly onDemand: boolean;
    }
  | { readonly type: 'tcpChecked'; readonly runnerId: RunnerId; readonly ok: boolean }
  | { readonly type: 'runnerStopRequested'; readonly runnerId: RunnerId; readonly replaceFirst: boolean }
  | { readonly type: 'runnerKillRequested'; readonly runnerId: RunnerId }
  /** The emulator stops: what runs may finish, nothing begins any more. */
  | { readonly type: 'shutdown' }
  /** Time has passed; sent when `nextWakeup` is due. */
  | { readonly type: 'tick' };

/** Errors that the scheduler itself decides. The words and HTTP codes live in wire/errors.ts. */
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
    }
  /** SIGTERM to the runner's main process. */
  | { readonly type: 'terminateRunner'; readonly runnerId: RunnerId }
  /** SIGKILL to the runner's whole process group. */
  | { readonly type: 'killRunner'; readonly runnerId: RunnerId }
  /** Within the `timeoutSeconds` of the runner's settings. */
  | { readonly type: 'probeHealth'; readonly runnerId: RunnerId }
  | { readonly type: 'checkTcp'; readonly runnerId: RunnerId }
  /** The executor of the request (queue or gateway) now performs an attempt on this runner. */
  | {
      readonly type: 'assign';
      readonly requestId: RequestId;
      readonly attemptId: AttemptId;
      readonly runnerId: RunnerId;
      /** Its loss would not be retried, not even over a restart: that it begins must be on disk before it does. */
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

/** For the log and the panes: what was decided and why, as data. */
export interface Note {
  readonly at: Instant;
  readonly alias: AliasName;
  readonly runnerId?: RunnerId;
  /** The runner's, where who follows the deploy of it is to see the note. */
  readonly revision?: RevisionId;
  readonly requestId?: RequestId;
  /** e.g. `runner.state`, `request.waiting`, `scale`, `retry`. */
  readonly topic: string;
  readonly text: string;
  readonly from?: string;
  readonly to?: string;
}
