import type { Gpu } from '../local/gpus/gpu.ts';
import type { LinePlace, RunnerException } from '../wire/log-lines.ts';
import type { RunnerDebug } from '../wire/runner-debug.ts';
import type { StackThread } from '../wire/runner-stacks.ts';
import type { OwnStep } from '../wire/runner-start.ts';

/**
 * An engine turns a runner's spec into a running process, reports what happens to it, and ends it. Each kind of
 * environment has an engine (engines.ts): the one of `virtualenv` is engines/process. An engine makes no decisions.
 */

/**
 * The execution environment that a build produced. Further fields of its kind are known to the builder and the engine
 * of that kind; all other code passes them on unread.
 */
export interface BuiltEnvironment {
  readonly kind: string;
  /** Content hash of the definition. */
  readonly id: string;
}

/** What to run: one of the three forms that the SDK registers (docs/platform/control-plane.md#what-is-to-run). */
export type Callable =
  /** A serialized function; `method` is an importable module with `loads` and `dumps` (`cloudpickle`). */
  | { readonly kind: 'pickle'; readonly method: string; readonly file: string }
  /** `module:a.b.c`, imported inside the environment. */
  | { readonly kind: 'entrypoint'; readonly name: string }
  /** Nothing: the image of its environment says what runs. */
  | { readonly kind: 'image' };

export interface AppFile {
  /** POSIX path below `/app`. */
  readonly relativePath: string;
  /** The path of the content on this machine, content-addressed. */
  readonly source: string;
  /** st_mode of the file on the developer's machine. */
  readonly mode: number;
}

export interface RunnerSpec<Environment extends BuiltEnvironment = BuiltEnvironment> {
  readonly runnerId: string;
  readonly environment: Environment;
  readonly callable: Callable;
  /** Serialized setup function, loaded and called first (function runs only). */
  readonly setup?: Callable;
  /** `serve`: an app that opens a port. `call`: a plain function whose value is the result. */
  readonly mode: 'serve' | 'call';
  /** The port that the app's own code declares (default: 8080). The process engine gives it another one on loopback. */
  readonly declaredPort?: number;
  /** The port at which the app's own code declares that it serves metrics. */
  readonly metricsPort?: number;
  readonly health: { readonly path: string | null; readonly method: 'GET' | 'POST'; readonly timeoutSeconds: number };
  readonly appFiles: readonly AppFile[];
  /**
   * Variables of docs/platform/runner-process.md#variables and exposed secrets. The engine adds those that only it
   * knows (ports, PYTHONUNBUFFERED).
   */
  readonly env: { readonly [name: string]: string };
  /**
   * The machine's GPUs that it gets. `env` already lets the machine's programs see these and no others; an engine whose
   * runners see none of the machine's devices has to give them.
   */
  readonly gpus?: readonly Pick<Gpu, 'uuid' | 'index'>[];
  /** Folder that appears as `/data` inside the runner. */
  readonly dataDir: string;
  /** The memory that it may use, in an engine that can limit it; absent: all of the machine's. */
  readonly memoryBytes?: number;
  /** Its code may be exchanged while it runs (`RunnerHandle.swap`); otherwise nothing is prepared for that. */
  readonly development?: true;
  /** It waits for a debugger before it loads its code. Only apps (`serve`). */
  readonly waitsForDebugger?: true;
}

/** Where a debug adapter waits for the runner, on loopback, and the secret that it requires. */
export interface DebugAdapter {
  readonly port: number;
  readonly token: string;
}

/** Why a runner didn't connect to a debug adapter. */
export type DebugRefusal =
  /** It is a plain function, or nothing of its kind can be debugged. */
  | 'unsupported'
  /** A debugger is attached already, or about to be. */
  | 'attached'
  /** debugpy can't be installed or loaded, or the adapter is not there. */
  | 'failed'
  | 'no_answer'
  | 'runner_ended';

/** `ok`: it connects. `text`: a sentence. */
export type DebugOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: DebugRefusal; readonly text: string };

/** New code for a running app. */
export interface CodeChange {
  /** What changes in the app's objects (runner/inside/swap/swap.py): small, as a rule 1 to 30 kB. */
  readonly delta: Uint8Array;
  /** How long requests that run on the old code are waited for. */
  readonly patienceSeconds: number;
}

/** Why a runner kept its old code. */
export type SwapRefusal =
  /** It isn't a development run, or nothing of its kind can change its code. */
  | 'unsupported'
  | 'not_ready'
  /** Another change is under way. */
  | 'busy'
  /** The old code was still running when the patience was over. */
  | 'still_running'
  /** The app's state doesn't allow this change. */
  | 'refused'
  /** The change, or the new code, raised an exception; everything is as it was. */
  | 'failed'
  /** Unknown which code it has: it refuses every later change, and should be replaced. */
  | 'no_answer'
  | 'runner_ended';

/** What became of a change of a runner's code. */
export type SwapOutcome =
  | {
      readonly ok: true;
      /** Whole milliseconds in the runner, and how many of them it waited for old code to end. */
      readonly ms: number;
      readonly waitedMs: number;
      /** Names of caches that were emptied, and of state that was kept although requests may have made it. */
      readonly cleared: readonly string[];
      readonly kept: readonly string[];
    }
  /**
   * `text`: a part of a sentence that says why, such as "COUNTER was changed at run time". `remedy`: what would make
   * the change possible, in a sentence without its full stop.
   */
  | { readonly ok: false; readonly code: SwapRefusal; readonly text: string; readonly remedy: string };

/** One line that a runner wrote. Bytes decoded as UTF-8 with replacement; never markup. */
export interface RunnerLine {
  readonly at: number;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  /**
   * Present when the line was written while a request was being served and could be attributed: by its Python context,
   * or because the request was the only one.
   */
  readonly requestId?: string;
  readonly endpoint?: string;
  /**
   * Set for the text of an unfinished line (a progress bar): reported ten times a second at most, and again when the
   * line is complete.
   */
  readonly unfinished?: true;
  /** The runner's web server logged it. */
  readonly isServer?: true;
  /** The place in the app's code that printed it. Only for Python, and only since `wantPlaces`. */
  readonly place?: LinePlace;
}

/** An exception of the app's code, as data. What it printed about it are lines of their own. */
export interface ExceptionReport {
  readonly at: number;
  readonly exception: RunnerException;
  readonly requestId: string | null;
  readonly endpoint: string | null;
}

/** The address of a ready app: HTTP/1.1 on loopback. */
export interface RunnerAddress {
  readonly host: string;
  readonly port: number;
  /** What its server requires of every request (pass.ts); absent: nothing. */
  readonly secret?: string;
  /** Where on the same host the app serves metrics of its own, if it does; absent: nowhere. */
  readonly metricsPort?: number;
  /** Something else accepts connections to its ports, also where the app has no server, and then closes them. */
  readonly isForwarded?: true;
}

/** Outcome of a `call` runner. Files belong to the runner's folder and may be read until `dispose()`. */
export type CallResult =
  | {
      readonly kind: 'value';
      readonly method: string;
      readonly file: string;
      readonly raised: false;
    }
  | {
      /**
       * User code raised: the pickled exception and its three describing texts
       * (docs/platform/runner-process.md#results).
       */
      readonly kind: 'value';
      readonly method: string;
      readonly file: string;
      readonly raised: true;
      readonly traceback: string;
      readonly exceptionType: string;
      readonly exceptionMessage: string;
    }
  /** The callable could not be deserialized, or its result could not be serialized: a sentence for INVALID_ARGUMENT. */
  | { readonly kind: 'refused'; readonly reason: string };

export interface RunnerEvents {
  /**
   * The runner's image is being fetched (DOCKER_PULL): `percent`, a whole number, has arrived. Before `started`, at
   * most ten times a second; never if nothing has to be fetched.
   */
  pulling(percent: number): void;
  /** A process exists (SETUP begins). `pid`: its ID, if it runs on this machine. */
  started(pid?: number): void;
  /**
   * `serve`: setup is done, the port is open and the health check passed. `call`: the callable was loaded and waits for
   * `call()`.
   */
  ready(address: RunnerAddress | null): void;
  line(line: RunnerLine): void;
  /**
   * An exception that the app's code raised and nothing expected. Before `exited`; for a request, `flushLines` waits
   * for it. Not every exception is reported while a runner raises them without end.
   */
  exception(report: ExceptionReport): void;
  /**
   * The start of a `serve` runner has reached this step: each at most once for its process, in order. Only for runners
   * that can say so. Their texts are the app's.
   */
  step(step: OwnStep): void;
  /** A debugger was attached, has stopped the app's code, has let it continue, or is gone (`null`). */
  debug(state: RunnerDebug | null): void;
  /** `call` runners: the function ended. */
  result(result: CallResult): void;
  /** `serve`: the app is stopping on its own, because it has served its maximum number of requests. */
  done(): void;
  /**
   * The process is gone; called exactly once, last. `reason` is a sentence that names exit code or signal,
   * and ends with ``died with <Signals.SIGKILL: 9>.` `` after an unexpected SIGKILL
   * (docs/platform/control-plane.md#errors).
   */
  exited(exit: RunnerExit): void;
}

export interface RunnerExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly reason: string;
  /** `supervisor_lost`: the engine's process above it died and ended it, which says nothing about the app. */
  readonly cause?: 'supervisor_lost';
  /** The machine ended it because it needed more than `memoryBytes`. */
  readonly outOfMemory?: true;
  /**
   * The app stopped on its own because it had served its maximum number of requests, regardless of what was requested
   * meanwhile.
   */
  readonly done?: true;
}

/** Size of a terminal in characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export interface ExecOptions {
  /**
   * With a terminal of its own; stdout and stderr are then one stream, and programs behave as for an interactive user.
   */
  readonly tty: boolean;
  /** Default: 24 x 80. */
  readonly size?: TerminalSize;
}

/** What a command in a runner reports. */
export interface ExecIo {
  /** 1: stdout, or the whole output of a terminal; 2: stderr. */
  output(stream: 1 | 2, bytes: Uint8Array): void;
  /** There is room again after a `write` that returned false. */
  drained(): void;
  /**
   * Called exactly once, after all its output. 128 + signal when one ended it, 137 also when the runner ended
   * (`withRunner`); 127: no such command.
   */
  exited(code: number, withRunner?: true): void;
}

/** A command that runs in a runner. After its end, none of these functions has any effect. */
export interface ExecSession {
  /** False: wait for `drained` before the next write. */
  write(bytes: Uint8Array): boolean;
  /**
   * Ends the input. Without a terminal this closes it; a terminal sends the end-of-input character, which a program may
   * ignore.
   */
  closeInput(): void;
  resize(size: TerminalSize): void;
  /** Pauses `output`; the command then blocks when its pipe or terminal is full. */
  pause(): void;
  resume(): void;
  /** SIGKILL to the command and all processes that it started, unless it has already ended. Idempotent. */
  kill(): void;
}

export interface RunnerHandle {
  readonly runnerId: string;
  /** `call` runners: invoke the loaded callable now. */
  call(): void;
  /** SIGTERM to the runner's main process. Idempotent. */
  terminate(): void;
  /** SIGKILL to the whole process group. Idempotent. */
  kill(): void;
  /**
   * One health probe by the spec's rule (declared path, else `/health` with 404 and open port as fallback). Never
   * rejects.
   */
  probe(timeoutSeconds: number): Promise<boolean>;
  /**
   * Resolves when every line that the runner has written so far was reported. Doesn't wait for output that takes more
   * than a second to report (a flood), or that is never reported (the runner ended). Never rejects.
   */
  flushLines(): Promise<void>;
  /**
   * Changes the code of a ready app in place: its process and what `setup()` made are kept. Requests that it is serving
   * finish on the old code, and new ones wait meanwhile. A runner that doesn't confirm this keeps its old code. Never
   * rejects, and always resolves: at the latest some seconds after the patience, or at the runner's end.
   */
  swap(change: CodeChange): Promise<SwapOutcome>;
  /**
   * Connects the app to a debug adapter. Resolves when it is about to connect: `debug` reports when the editor has set
   * its breakpoints. Never rejects.
   */
  debug(adapter: DebugAdapter): Promise<DebugOutcome>;
  /** No debugger comes: a runner that waits for one continues. */
  undebug(): void;
  /** What the app's threads are doing, also while a debugger has stopped them; `null`: it can't say. Never rejects. */
  stacks(): Promise<readonly StackThread[] | null>;
  /** Connect to the app's port. Never rejects. */
  checkTcp(): Promise<boolean>;
  /**
   * Runs a command next to the app: in its file system, folder and environment, as its user
   * (docs/platform/control-plane.md#shellrunner). `null`: a login shell. Waits while the runner is still being created;
   * ends with it.
   */
  exec(command: readonly string[] | null, options: ExecOptions, io: ExecIo): ExecSession;
  /** Removes the runner's folder. Call this after `exited`, when results were read. */
  dispose(): Promise<void>;
}

/** Runs environments of the type `Environment`, and is given no other kind. */
export interface Engine<Environment extends BuiltEnvironment = BuiltEnvironment> {
  /** A runner is about to start in this environment: prepares now what the first runner would wait for. */
  warm(environment: Environment): void;
  /** Never rejects: a start that fails is reported by `exited`. */
  start(spec: RunnerSpec<Environment>, events: RunnerEvents): RunnerHandle;
  /** Whether lines are to have their `place`, in all runners, present and future. It costs them a little time. */
  wantPlaces(wanted: boolean): void;
  /** Ends every process that this engine started (SIGKILL) and frees its resources. */
  close(): Promise<void>;
}
