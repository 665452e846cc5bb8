import type {
  AppFile,
  BuiltEnvironment,
  Callable,
  CallResult,
  CodeChange,
  DebugAdapter,
  DebugOutcome,
  ExecIo,
  ExecOptions,
  ExecSession,
  RunnerAddress,
  SwapOutcome,
} from '../engines/engine.ts';
import type { Answer } from '../exchange/answers.ts';
import type { MetricsPage } from '../exchange/metrics-page.ts';
import type { Gpu } from '../local/gpus/gpu.ts';
import type { StopSignal } from '../local/loop/stop-signal.ts';
import type { AppCircumstances, RunnerHealth, WaitCircumstances } from '../scheduler/circumstances.ts';
import type { AttemptOutcome, ReloadWay, Strategy } from '../scheduler/events.ts';
import type { AppCounts } from '../scheduler/requests/select.ts';
import type { GpuKind, Reason, RevisionSettings, Runner, RunnerState, ScaleSettings } from '../scheduler/types.ts';
import type { CallInfo } from '../telemetry/requests/types.ts';
import type { PlatformError, UserError } from '../wire/errors.ts';
import type { GpuFault } from '../wire/gpu-faults.ts';
import type { StackThread } from '../wire/runner-stacks.ts';
import type { RunnerUsage } from './runners/usage-watch.ts';

/** A direct request's slot on a runner. Call `end` exactly once per lease. */
export interface Lease {
  readonly runnerId: string;
  readonly address: RunnerAddress;
  /**
   * Fires when the platform ends the attempt itself; the executor closes its connection to the runner and answers
   * `reason` if nothing was sent yet.
   */
  readonly aborted: StopSignal;
  /** The error of the request. Valid once `aborted` fired, and if the scheduler failed the request after `end`. */
  reason(): PlatformError;
  /**
   * Reports how the attempt ended. `hints`: value of `X-Fal-Runner-Hints`, split at commas; absent when the header was
   * missing.
   */
  end(outcome: AttemptOutcome, hints?: readonly string[]): void;
  /** What the caller gets when `aborted` fired, instead of `reason`. */
  readonly answer?: () => Answer | undefined;
}

/** Everything needed to start a runner of a revision, resolved (environment built, bytes on disk). */
export interface Launch {
  readonly environment: BuiltEnvironment;
  readonly callable: Callable;
  readonly setup?: Callable;
  readonly mode: 'serve' | 'call';
  readonly declaredPort: number | null;
  readonly metricsPort?: number;
  readonly appFiles: readonly AppFile[];
  /** Exact secret names; `null`: all secrets of the environment that are exposed by default. */
  readonly secretNames: readonly string[] | null;
  /** Deployment environment (`main`, `dev`). */
  readonly environmentName: string;
  readonly machineType: string;
  /** The environment was built just now. */
  readonly isBuilt?: true;
  /** Its runners can exchange their code (RunnerHandle.swap). */
  readonly development?: true;
  /** Removes what only its runners need. Called when none starts any more, perhaps again; absent: it stays. */
  readonly release?: () => void;
}

/** The environment of a runner's process, and which values in it are secret. */
export interface RunnerVariables {
  readonly env: { readonly [name: string]: string };
  readonly secrets: readonly string[];
}

export interface Deployment {
  /** Wire name, or a UUID for an ephemeral app. */
  readonly alias: string;
  readonly revision: string;
  readonly scale: ScaleSettings;
  readonly settings: RevisionSettings;
  readonly strategy: Strategy;
}

/** New code of an app in development. `from`, `how`: see the scheduler's event `aliasReloaded`. */
export interface ReloadOrder {
  readonly alias: string;
  readonly revision: string;
  readonly from: string;
  readonly scale: ScaleSettings;
  readonly settings: RevisionSettings;
  readonly how: ReloadWay;
}

/**
 * `applied`: no runner's code had to change. `failed`: the alias keeps its revision. `runners`: those that were to
 * exchange their code, and their answers.
 */
export type ReloadResult = (
  | { readonly kind: 'swapped' | 'restarted' | 'applied' }
  | { readonly kind: 'failed'; readonly reason: string }
) & { readonly runners: readonly { readonly id: string; readonly outcome: SwapOutcome }[] };

/** How many runners can have GPUs at the same time. */
export interface GpuRoom {
  /** The number of slots; `undefined`: no limit. */
  readonly slots: number | undefined;
  /** Machine types matter, and these are what there is. */
  readonly kinds?: readonly GpuKind[];
}

export type DeployResult = { readonly kind: 'moved' } | { readonly kind: 'failed'; readonly reason: string };

/** Called for each change of state, after the lines that the runner wrote before it were logged. */
export type RunnerWatcher = (change: {
  readonly runnerId: string;
  readonly state: RunnerState['kind'];
  /** A message for the user. */
  readonly reason: string;
  /** `terminated`: exit code of its process; `null` when a signal ended it or there was no process. */
  readonly exitCode: number | null;
  /** `terminated`: its supervisor died, and another runner replaces it immediately. */
  readonly lost: boolean;
  /**
   * The app stops because it has served its maximum number of requests. Reported at that moment, and with `terminated`.
   */
  readonly done: boolean;
}) => void;

/** Must not throw, and must be fast: it is called for every event. */
export type ChangeListener = (changed: {
  readonly apps: ReadonlySet<string>;
  readonly runners: ReadonlySet<string>;
}) => void;

export type FunctionRun =
  /** `dispose` frees the result's file; call it after the bytes were read. */
  | { readonly kind: 'ended'; readonly result: CallResult; dispose(): void }
  /** The process died; `reason` is the message for the details of the gRPC error. */
  | { readonly kind: 'died'; readonly reason: string }
  | { readonly kind: 'cancelled' };

/**
 * The interface of the fleet for the edge, and the only entry point to the scheduler. It turns calls into events,
 * carries out effects on the engine, and decides nothing. All its instants are real, however fast platform time runs.
 */
export interface Fleet {
  /**
   * Waits for a runner for a direct request (cold start included). `gone` withdraws the request while it waits.
   * Resolves to the platform's error if the request ends before it has a runner.
   */
  lease(request: CallInfo, gone: StopSignal): Promise<Lease | PlatformError>;
  /**
   * Points the alias to a revision. Recreate and detached: resolves at once, no runner need exist. Rolling: resolves
   * when a runner of the new revision is healthy and the alias moved, or when that failed and the old revision stays.
   * The launch of `revision` must be known: given here, or resolvable from the catalog.
   */
  deploy(deployment: Deployment, launch?: Launch): Promise<DeployResult>;
  /**
   * Points the alias of an app in development to `revision`, and resolves when its runners have the new code, when a
   * new one is ready, or when that failed. `change`: what runners that swap exchange.
   */
  reload(order: ReloadOrder, launch: Launch, change: CodeChange | null): Promise<ReloadResult>;
  /** UpdateApplication: new settings of the current revision, effective immediately. */
  applySettings(alias: string, scale: ScaleSettings, settings: RevisionSettings): void;
  /** Removes the alias: its runners end, and its waiting requests fail. */
  removeAlias(alias: string): void;
  rollout(alias: string, force: boolean): void;
  /** Returns `false` if the runner is unknown or has ended. */
  stopRunner(id: string, replaceFirst: boolean): boolean;
  killRunner(id: string): boolean;
  /**
   * Runs a command in the runner (see RunnerHandle.exec). Returns `undefined` if the runner is unknown, has ended, or
   * has no process yet.
   */
  exec(id: string, command: readonly string[] | null, options: ExecOptions, io: ExecIo): ExecSession | undefined;
  /** Connects a runner to a debug adapter (see RunnerHandle.debug). `undefined`: unknown, ended, or no process yet. */
  debug(id: string, adapter: DebugAdapter): Promise<DebugOutcome | undefined>;
  /**
   * Whether runners of the alias that start wait for a debugger before they load their code. `false` also releases
   * those that wait.
   */
  waitForDebugger(alias: string, wait: boolean): void;
  /** Whether anybody follows the live state. If nobody does for half a minute, no runner waits for a debugger. */
  setDebugFollowed(isFollowed: boolean): void;
  /** What the runner's threads are doing (see RunnerHandle.stacks). `undefined`: unknown, ended, or no process yet. */
  stacks(id: string): Promise<readonly StackThread[] | null | undefined>;
  /** Whether a rolling deploy of the alias is in progress. */
  isRolling(alias: string): boolean;
  /** Calls `watch` at each change of state of the alias's runners. Returns a function that unsubscribes. */
  watchRunners(alias: string, watch: RunnerWatcher): () => void;
  /** The machine's GPUs, and the runners that have been given each, with their main processes. */
  gpus(): readonly {
    readonly gpu: Gpu;
    readonly runners: readonly { readonly id: string; readonly pid: number | undefined }[];
  }[];
  /**
   * A fault of a virtual GPU: the requests of its runners are answered as by the app of a real one that fails, and the
   * runners end. Returns their IDs.
   */
  failGpu(uuid: string, fault: GpuFault): readonly string[];
  /** The metrics that a runner's app serves itself; `undefined`: it isn't ready, or has no port for them. */
  metricsPage(runnerId: string, signal: AbortSignal): Promise<MetricsPage | undefined>;
  /** What a runner's processes use; `undefined`: not measured yet, or it can't be. */
  usage(runnerId: string): RunnerUsage | undefined;
  /** The machine's GPUs from now on, and the room that they give. */
  setGpus(gpus: readonly Gpu[], room: GpuRoom): void;
  /** Why no GPU of this machine suits runners of these settings; `undefined`: one does, or they need none. */
  gpuProblem(settings: RevisionSettings): UserError | undefined;
  /**
   * Calls `listener` after each event with the apps and live runners that it may have changed. Returns a function that
   * unsubscribes.
   */
  follow(listener: ChangeListener): () => void;
  /** What an alias has at the moment, counted; `undefined`: it doesn't exist. */
  counts(alias: string): AppCounts | undefined;
  /** When an idle runner's keep_alive ends; `null` when it isn't counting down. */
  expiry(runnerId: string): number | null;
  /** Real seconds left of an idle runner's keep_alive, rounded up; `null` when it isn't counting down. */
  expirationCountdownSeconds(runnerId: string): number | null;
  /** Runs a plain function once on its own runner, listed under `alias` (a UUID). `signal` ends the runner. */
  runFunction(alias: string, launch: Launch, settings: RevisionSettings, signal: AbortSignal): Promise<FunctionRun>;
  /** Passes a request that is already in the durable queue to the scheduler. */
  enqueue(request: CallInfo): void;
  /**
   * Passes the requests that waited before a start to the scheduler, in their order. Many at once cost less than one by
   * one.
   */
  enqueueRecovered(requests: readonly CallInfo[]): void;
  /**
   * A waiting request is withdrawn and completed with 499. For a running one, sends a POST to `<path>/cancel` on its
   * runner, even if the runner's slots are full.
   */
  cancel(requestId: string): 'requested' | 'completed' | 'unknown';
  /** Number of requests ahead of this one; 0 when it isn't waiting. */
  queuePosition(requestId: string): number;
  /** Number of waiting requests in the alias's queue. */
  queueSize(alias: string): number;
  /** Number of all waiting requests of the alias, including direct ones. */
  waitingSize(alias: string): number;
  /**
   * A message that says why the latest start of a runner of the alias failed, until one becomes ready; `null`: it did
   * not fail.
   */
  lastFailure(alias: string): string | null;
  /**
   * The first `max` waiting requests of the alias in dispatch order, and since when they wait (milliseconds since the
   * epoch).
   */
  waiting(alias: string, max: number): readonly { readonly id: string; readonly since: number }[];
  /** Completes every waiting queued request of the alias with 499. Resolves to their number when that is on disk. */
  flush(alias: string): Promise<number>;
  /** Why this request waits; `null` when it doesn't. */
  why(requestId: string): Reason | null;
  /** Why a runner isn't ready; `null`: it is, it is ending, or it doesn't exist. */
  whyRunner(runnerId: string): Reason | null;
  /** What else holds for an app, a waiting request, and a runner's health checks (scheduler/circumstances.ts). */
  appCircumstances(alias: string): AppCircumstances | undefined;
  waitCircumstances(requestId: string): WaitCircumstances | undefined;
  health(runnerId: string): RunnerHealth | undefined;
  /** Live runners of one alias, or of all. */
  runners(alias?: string): readonly Runner[];
  runner(id: string): Runner | undefined;
  /**
   * Resolves when every line that the runner has written so far is logged. Resolves immediately if the runner is gone,
   * because its lines are already logged. Never rejects.
   */
  flushLines(runnerId: string): Promise<void>;
  /** The `X-Fal-Runner-Health-Check` response header: runs a health check now; one failure ends the runner. */
  probeOnDemand(runnerId: string): void;
}
