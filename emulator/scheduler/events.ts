import type {
  AliasName,
  AttemptId,
  DebugState,
  GpuKind,
  RequestId,
  RequestInfo,
  RevisionId,
  RevisionSettings,
  RunnerId,
  ScaleSettings,
} from './types.ts';

/** The events that can happen: the input of `step`. */

/** How an attempt ended, as its executor saw it. */
export type AttemptOutcome =
  /** The app sent a complete response. `needsRetry` and `stopRunner` are the response headers of the same name. */
  | { readonly kind: 'response'; readonly status: number; readonly needsRetry?: boolean; readonly stopRunner?: boolean }
  | { readonly kind: 'connection_refused' }
  /**
   * The connection broke before a response. `isStale`: the connection was reused; the server may simply have closed it.
   */
  | { readonly kind: 'disconnected'; readonly isStale?: boolean }
  | { readonly kind: 'incomplete' }
  /** The caller of a direct request disconnected; the executor has closed its connection to the runner. */
  | { readonly kind: 'caller_gone' };

/**
 * How a deploy moves the alias (docs/platform/runners.md#deploys). `detached`: like rolling, but moves the alias first.
 */
export type Strategy = 'recreate' | 'rolling' | 'detached';

/**
 * How new code of an app in development reaches its runners. `swap`: they exchange their code while they run.
 * `restart`: a new runner replaces them. `settings`: only settings changed; they keep their code.
 */
export type ReloadWay = 'swap' | 'restart' | 'settings';

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
  /** UpdateApplication: the complete new settings of the current revision. */
  | {
      readonly type: 'aliasScaled';
      readonly alias: AliasName;
      readonly scale: ScaleSettings;
      readonly settings: RevisionSettings;
    }
  /** The code of an app in development was saved, and `revision` is made of it (reload.ts). */
  | {
      readonly type: 'aliasReloaded';
      readonly alias: AliasName;
      readonly revision: RevisionId;
      /** The revision that `how` was decided for: only its runners can swap, or keep their code. */
      readonly from: RevisionId;
      readonly scale: ScaleSettings;
      readonly settings: RevisionSettings;
      readonly how: ReloadWay;
    }
  /** A runner's answer to `swapRunner`. `ok: false`: its code is what it was before, or the runner is ending. */
  | {
      readonly type: 'runnerSwapped';
      readonly runnerId: RunnerId;
      readonly revision: RevisionId;
      readonly ok: boolean;
      readonly reason: string;
      /** Nobody knows which code it has. */
      readonly lost?: true;
    }
  /** What the debugger of a runner does now; `null`: there is none. */
  | { readonly type: 'runnerDebugged'; readonly runnerId: RunnerId; readonly debug: DebugState | null }
  | { readonly type: 'aliasDeleted'; readonly alias: AliasName }
  | { readonly type: 'rolloutRequested'; readonly alias: AliasName; readonly force: boolean }
  | { readonly type: 'requestArrived'; readonly request: RequestInfo }
  /** After a start: the requests that were waiting before, in their order. Equivalent to separate arrivals. */
  | { readonly type: 'requestsRecovered'; readonly requests: readonly RequestInfo[] }
  /**
   * Withdraws a waiting request. A running request ends normally (the executor posts the cancel call), but is not
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
  /** The engine pulls the runner's image and has `percent` of it, an integer (PENDING -> DOCKER_PULL). */
  | { readonly type: 'runnerPulling'; readonly runnerId: RunnerId; readonly percent: number }
  /** The engine has a process (PENDING or DOCKER_PULL -> SETUP). */
  | { readonly type: 'runnerStarted'; readonly runnerId: RunnerId }
  /** Port open, setup done, health check passed (SETUP -> IDLE). */
  | { readonly type: 'runnerReady'; readonly runnerId: RunnerId }
  /**
   * The process has exited. `reason` is a message for the user. `cause`: the process ended because its supervisor died.
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
  /** The machine has another number of GPU slots from now on; infinite: no limit. Runners keep what they have. */
  | {
      readonly type: 'gpuSlotsChanged';
      readonly gpuSlots: number;
      /** Absent: machine types don't matter. */
      readonly gpuKinds?: readonly GpuKind[];
    }
  /** The emulator stops: running requests may finish, and nothing new begins. */
  | { readonly type: 'shutdown' }
  /** Time has passed; sent when `nextWakeup` is due. */
  | { readonly type: 'tick' };
