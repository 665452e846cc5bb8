import type {
  AppFile,
  BuiltEnvironment,
  Callable,
  CallResult,
  ExecIo,
  ExecOptions,
  ExecSession,
  RunnerAddress,
} from '../engines/engine.ts';
import type { StopSignal } from '../local/loop/stop-signal.ts';
import type { AttemptOutcome, Strategy } from '../scheduler/events.ts';
import type { RequestInfo, RevisionSettings, Runner, RunnerState, ScaleSettings } from '../scheduler/types.ts';
import type { PlatformError } from '../wire/errors.ts';

/** A direct request's place on a runner. Exactly one `end` per lease. */
export interface Lease {
  readonly runnerId: string;
  readonly address: RunnerAddress;
  /**
   * Fires when the platform ends the attempt itself; the executor closes its connection to the runner and answers
   * `reason` if nothing was sent yet.
   */
  readonly aborted: StopSignal;
  /** Valid once `aborted` fired. */
  reason(): PlatformError;
  /**
   * Reports how the attempt ended. `hints`: value of `X-Fal-Runner-Hints`, split at commas; absent when the header was
   * missing.
   */
  end(outcome: AttemptOutcome, hints?: readonly string[]): void;
}

/** Everything needed to start a runner of a revision, resolved (environment built, bytes on disk). */
export interface Launch {
  readonly environment: BuiltEnvironment;
  readonly callable: Callable;
  readonly setup?: Callable;
  readonly mode: 'serve' | 'call';
  readonly declaredPort: number | null;
  readonly appFiles: readonly AppFile[];
  /** Exact secret names; `null`: all default-exposed ones of the environment. */
  readonly secretNames: readonly string[] | null;
  /** Deployment environment (`main`, `dev`). */
  readonly environmentName: string;
  readonly machineType: string;
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

export type DeployResult = { readonly kind: 'moved' } | { readonly kind: 'failed'; readonly reason: string };

/** Gets each change of state, after the lines that the runner wrote before it were logged. */
export type RunnerWatcher = (change: {
  readonly runnerId: string;
  readonly state: RunnerState['kind'];
  /** A sentence. */
  readonly reason: string;
  /** `terminated`: exit code of its process; `null` when a signal ended it or there was no process. */
  readonly exitCode: number | null;
  /** `terminated`: its supervisor died, and another runner takes its place at once. */
  readonly lost: boolean;
  /** The app stops because it has served as many requests as it was meant to: said then, and with `terminated`. */
  readonly done: boolean;
}) => void;

/** Must not throw, and must be quick: it is called for every event. */
export type ChangeListener = (changed: {
  readonly apps: ReadonlySet<string>;
  readonly runners: ReadonlySet<string>;
}) => void;

export type FunctionRun =
  /** `dispose` frees the result's file; call it once the bytes were read. */
  | { readonly kind: 'ended'; readonly result: CallResult; dispose(): void }
  /** The process died; the sentence for the gRPC error's details. */
  | { readonly kind: 'died'; readonly reason: string }
  | { readonly kind: 'cancelled' };

/**
 * What the edge may ask of the fleet: the only way in to the scheduler. It turns calls into events, carries out effects
 * on the engine, and decides nothing. Every instant that it takes or gives is real, however fast the platform's time
 * runs.
 */
export interface Fleet {
  /**
   * Waits for a runner for a direct request (cold start included). `gone` withdraws it while it waits.
   * Resolves to the platform's error when the request ends before it has a runner.
   */
  lease(request: RequestInfo, gone: StopSignal): Promise<Lease | PlatformError>;
  /**
   * Points the alias to a revision. Recreate and detached: resolves at once, no runner need exist. Rolling: resolves
   * when a runner of the new revision is healthy and the alias moved, or when that failed and the old revision stays.
   * The launch of `revision` must be known: given here, or resolvable from the catalog.
   */
  deploy(deployment: Deployment, launch?: Launch): Promise<DeployResult>;
  /** UpdateApplication: new settings of the present revision, in force at once. */
  applySettings(alias: string, scale: ScaleSettings, settings: RevisionSettings): void;
  /** The alias is gone: its runners end, its waiting requests fail. */
  removeAlias(alias: string): void;
  rollout(alias: string, force: boolean): void;
  /** `false`: unknown or ended runner. */
  stopRunner(id: string, replaceFirst: boolean): boolean;
  killRunner(id: string): boolean;
  /**
   * Runs a command in the runner (see RunnerHandle.exec); `undefined`: it is unknown, has ended, or has no process yet.
   */
  exec(id: string, command: readonly string[] | null, options: ExecOptions, io: ExecIo): ExecSession | undefined;
  /** Whether a rolling deploy of the alias is under way. */
  isRolling(alias: string): boolean;
  /** Calls `watch` at each change of state of the alias's runners; returns the unsubscriber. */
  watchRunners(alias: string, watch: RunnerWatcher): () => void;
  /**
   * Calls `listener` after each event with the apps and live runners that it may have changed; returns the
   * unsubscriber.
   */
  follow(listener: ChangeListener): () => void;
  /** Real seconds of keep_alive left of an idle runner, rounded up; `null` when it isn't counting. */
  expirationCountdownSeconds(runnerId: string): number | null;
  /** Runs a plain function once on a runner of its own, listed under `alias` (a UUID); `signal` ends the runner. */
  runFunction(alias: string, launch: Launch, settings: RevisionSettings, signal: AbortSignal): Promise<FunctionRun>;
  /** Hands a request that is already in the durable queue to the scheduler. */
  enqueue(request: RequestInfo): void;
  /** The same for those that waited before a start, in their order: many at once cost less than one by one. */
  takeUp(requests: readonly RequestInfo[]): void;
  /**
   * Waiting: withdrawn and completed with 499. Running: POST to `<path>/cancel` on its runner, though its slots are
   * full.
   */
  cancel(requestId: string): 'requested' | 'completed' | 'unknown';
  /** Requests ahead of this one, 0-based; 0 when it isn't waiting. */
  queuePosition(requestId: string): number;
  /** Waiting requests of the alias's queue. */
  queueSize(alias: string): number;
  /** All its waiting requests, direct ones too. */
  waitingSize(alias: string): number;
  /** Why the latest start of a runner of the alias failed, a sentence, until one becomes ready; `null`: it did not. */
  lastFailure(alias: string): string | null;
  /**
   * The first `most` waiting requests of the alias in the order of dispatch, and since when (milliseconds since the
   * epoch).
   */
  waiting(alias: string, most: number): readonly { readonly id: string; readonly since: number }[];
  /**
   * Completes every waiting queued request of the alias with 499; resolves when that is on disk, to how many there
   * were.
   */
  flush(alias: string): Promise<number>;
  /**
   * One sentence: why this request waits, or `null` when it doesn't. Its seconds are the platform's, marked where those
   * aren't real.
   */
  why(requestId: string): string | null;
  /** Live runners; of one alias or of all. */
  runners(alias?: string): readonly Runner[];
  runner(id: string): Runner | undefined;
  /**
   * Resolves when every line that the runner wrote before was logged; at once when it is gone, because then they were.
   * Never rejects.
   */
  linesTold(runnerId: string): Promise<void>;
  /** The `X-Fal-Runner-Health-Check` response header: probe now, one failure ends the runner. */
  probeOnDemand(runnerId: string): void;
}
