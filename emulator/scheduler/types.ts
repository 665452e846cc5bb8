/**
 * The types of the scheduler's state. Its events are in events.ts, its decisions in effects.ts.
 *
 * `step(world, event, now) -> { world, effects, notes }` owns every decision about time, scaling and retries. Nothing
 * below `scheduler/` reads a clock, makes a random number or performs I/O. States, formulas and defaults:
 * docs/platform/runners.md.
 */

/** Milliseconds since the epoch, passed in by the caller. */
export type Instant = number;

/** Wire name of an alias (`name`, or `name--env`), or the UUID of an ephemeral app. */
export type AliasName = string;
export type RevisionId = string;
export type RunnerId = string;
/** UUID of a request; the same for all its attempts. */
export type RequestId = string;
/** `gateway_request_id`: equals the request id on the first attempt, new on each retry. */
export type AttemptId = string;

/**
 * Alias-level settings: they take effect immediately and survive deploys
 * (docs/platform/runners.md#settings-across-deploys).
 */
export interface ScaleSettings {
  readonly keepAliveSeconds: number;
  readonly minConcurrency: number;
  /** `null`: the alias has no limit. */
  readonly maxConcurrency: number | null;
  readonly concurrencyBuffer: number;
  readonly concurrencyBufferPerc: number;
  readonly scalingDelaySeconds: number;
  /** Seconds of processing that one attempt may take (default 3600). */
  readonly requestTimeoutSeconds: number;
  /** Default start deadline of the alias's requests; `null`: none. */
  readonly requestStartTimeoutSeconds: number | null;
}

/** GPUs of one model. */
export interface GpuKind {
  readonly name: string;
  /** Number of their slots; infinite: no limit. */
  readonly slots: number;
  /** The machine types that they are. */
  readonly machineTypes: readonly string[];
}

/** What a runner gets where machine types matter. */
export interface GpuChoice {
  /** The name of the kind. */
  readonly kind: string;
  readonly machineType: string;
}

export type RetryCondition = 'server_error' | 'timeout' | 'connection_error';

export interface HealthPolicy {
  /** Path declared by the app; `null`: the runner's engine decides (`/health`, otherwise the open port). */
  readonly path: string | null;
  readonly method: 'GET' | 'POST';
  readonly startPeriodSeconds: number;
  readonly timeoutSeconds: number;
  readonly failureThreshold: number;
  readonly callRegularly: boolean;
}

/** Revision-level settings: they come from the code and apply to runners started afterwards. */
export interface RevisionSettings {
  readonly maxMultiplexing: number;
  /** Number of GPU slots that a runner takes if the machine has a limit (room.ts); 0: none. */
  readonly gpuSlots: number;
  /** The machine types whose GPUs suit it, in order of preference; absent: any. */
  readonly gpuTypes?: readonly string[];
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
  | 'swap_lost' // it didn't answer the swap of its code, so nobody knows which code it runs
  | 'handover' // no GPU slot is free, and the new revision of its app needs one
  | 'supervisor_lost' // the supervisor above it died, which says nothing about the app
  | 'shutdown'; // the emulator stops

export type RunnerState =
  | { readonly kind: 'pending'; readonly since: Instant; readonly deadline: Instant }
  /** `percent`: the pulled part of its image, an integer. */
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
 * The states' names on the wire, in `minifal status` and in sentences (docs/platform/runners.md#states). The SDK
 * crashes on others.
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

/**
 * `waiting`: the runner loads its code when a debugger is attached. `paused`: its debugger has stopped a thread. No
 * time passes for it in these two (runners/debug.ts).
 */
export type DebugState = 'waiting' | 'attached' | 'paused';

export interface AttemptRef {
  readonly requestId: RequestId;
  readonly attemptId: AttemptId;
}

export interface Runner {
  readonly id: RunnerId;
  readonly alias: AliasName;
  readonly revision: RevisionId;
  readonly state: RunnerState;
  /** When the runner was requested. */
  readonly createdAt: Instant;
  /** When it first became ready; absent before. */
  readonly readyAt?: Instant;
  /** Whether any request was ever assigned to it. */
  readonly used: boolean;
  /** State of a StopRunner call with replace_first. */
  readonly replacement: 'none' | 'will' | 'did';
  /** Settings of its revision when the runner was started. */
  readonly settings: RevisionSettings;
  /** The latest `X-Fal-Runner-Hints`; `null`: the app doesn't use hints. */
  readonly hints: readonly string[] | null;
  /** What its debugger does; absent or `null`: it has none. */
  readonly debug?: { readonly state: DebugState; readonly since: Instant } | null;
  /** The change of its code that it makes, or will make when its debugger lets it continue; absent or `null`: none. */
  readonly swap?: { readonly revision: RevisionId } | null;
}

/** What the scheduler needs to know about a request. The queue or the gateway handles its bytes. */
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

/** What the queue still knows about a request after a restart. */
export interface Recovered {
  readonly retried: Retried;
  /** Its latest attempt was cut off when the emulator and the runner ended. */
  readonly interrupted: boolean;
}

/** What a request waits for. What each of these means, and their words, are in wire/reasons.ts. */
export type ReasonCode =
  | 'retry_delay'
  | 'runner_pending'
  | 'image_pull'
  | 'runner_setup'
  | 'start_failures'
  | 'supervisor_losses'
  | 'max_concurrency_zero'
  | 'no_runner'
  | 'slots_busy'
  | 'no_room'
  | 'no_gpu_slot'
  | 'no_gpu_of_type'
  | 'behind_for_gpu_slot'
  | 'code_swap';

/** Why a request or a runner waits, as data. */
export interface OneReason {
  readonly code: ReasonCode;
  readonly numbers: {
    readonly [N in
      | 'attempt'
      | 'percent'
      | 'failures'
      | 'losses'
      | 'runners'
      | 'maxConcurrency'
      | 'maxMultiplexing'
      | 'used'
      | 'limit'
      | 'needed']?: number;
  };
  /** Since when this is so; `null`: that isn't known. */
  readonly since: Instant | null;
  /** When it ends by itself; `null`: only an event ends it. */
  readonly until: Instant | null;
  /** Foreign words for the cause: one line, shortened, without a full stop. */
  readonly evidence: string | null;
  /** What a person can do about it; `null`: only wait. */
  readonly action:
    | 'raise_max_concurrency'
    | 'lower_scaling_delay'
    | 'free_a_runner'
    | 'free_a_gpu_slot'
    | 'choose_gpu'
    | 'read_start_failure'
    | 'read_log'
    | null;
  /** The runner that is being started. */
  readonly runnerId?: RunnerId;
}

export interface Reason extends OneReason {
  /** A second reason that holds at the same time. */
  readonly also: OneReason | null;
}
