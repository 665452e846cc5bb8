import type { RunnerAddress, RunnerExit, RunnerHandle } from '../../engines/engine.ts';
import { contain, type Report } from '../../local/loop/contain.ts';
import type { GpuChoice, RequestId, RevisionSettings, RunnerId } from '../../scheduler/types.ts';

export interface StartOrder {
  readonly runnerId: RunnerId;
  readonly alias: string;
  readonly revision: string;
  readonly settings: RevisionSettings;
  /** Absent: any GPU suits it. */
  readonly gpu?: GpuChoice;
}

/** A runner, from its start order until nothing of it is needed any more. */
export interface LiveRunner {
  /** With the revision of its code now, which a reload may have exchanged. */
  order: StartOrder;
  /** Requests that began with earlier code, and its revision. */
  begun: ReadonlyMap<RequestId, string>;
  handle?: RunnerHandle;
  /** Its main process on this machine; absent: not started, or the engine has none here. */
  pid?: number | undefined;
  /** What it runs on in the cloud; absent: not yet known. */
  machineType?: string;
  /** Why it is being ended, if it isn't for a reason of its own. */
  endReason?: string;
  address: RunnerAddress | null;
  /** The runner was cancelled before the engine was asked to start it. */
  cancelled: boolean;
  /** The result's files have yet to be read. */
  keep: boolean;
  exit: RunnerExit | null;
  /** Stops masking the secrets that the runner was given. */
  releaseSecrets: () => void;
}

const nothing: LiveRunner['begun'] = new Map();

/** Where what a runner writes belongs: a request that began with earlier code ends with it. */
export function ownerOf({ order, begun }: LiveRunner, requestId: RequestId | null | undefined): StartOrder {
  const revision = begun.size > 0 && requestId ? begun.get(requestId) : undefined;
  return revision === undefined ? order : { ...order, revision };
}

/** All runners that were requested and haven't ended, and the ways to end them. */
export interface LiveRunners {
  add(order: StartOrder): LiveRunner;
  get(id: RunnerId): LiveRunner | undefined;
  /** Those that haven't ended. */
  all(): readonly LiveRunner[];
  /** What the runner runs is called `revision` from now on; these requests began earlier. */
  swapped(id: RunnerId, revision: string, running: readonly RequestId[]): void;
  /** An attempt of the request begins, with the code that the runner has now. */
  began(id: RunnerId, requestId: RequestId): void;
  /** IDs of runners of this alias whose processes were started and have not exited. */
  ofAlias(alias: string): readonly RunnerId[];
  /** Ends the runner's process. If there is no process yet, none is started. */
  end(id: RunnerId, how: 'terminate' | 'kill'): void;
  /** Reports, once, that the runner has ended. */
  ended(runner: LiveRunner, exit: RunnerExit): void;
  /** Reports that the runner has ended without a process. */
  startFailed(runner: LiveRunner, reason: string): void;
  /** Lets the runner's folder be deleted: the result's files were read or are no longer needed. */
  release(runner: LiveRunner): void;
  /** Resolves when every runner has ended, or after `timeoutMs`. */
  allEnded(timeoutMs: number): Promise<void>;
  terminateAll(): void;
}

/** `onEnded`: called once for each runner, while its exit can still be queried; must not throw. */
export function createLiveRunners(deps: {
  readonly onEnded: (order: StartOrder, exit: RunnerExit) => void;
  readonly report: Report;
}): LiveRunners {
  const live = new Map<RunnerId, LiveRunner>();
  let drained: (() => void) | undefined;

  /** A runner that was cancelled while its environment was being built has no process to wait for. */
  function checkDrained(): void {
    const isThere = ({ exit, cancelled, handle }: LiveRunner) => !exit && (handle !== undefined || !cancelled);
    if (drained && ![...live.values()].some(isThere)) drained();
  }

  function forget(runner: LiveRunner): void {
    if (!runner.exit || runner.keep) return;
    live.delete(runner.order.runnerId);
    contain(deps.report, () => runner.handle?.dispose())();
  }

  function ended(runner: LiveRunner, { reason, ...exit }: RunnerExit): void {
    if (runner.exit) return;
    runner.exit = { ...exit, reason: runner.endReason ?? reason };
    deps.onEnded(runner.order, runner.exit);
    runner.releaseSecrets();
    forget(runner);
    checkDrained();
  }

  function end(id: RunnerId, how: 'terminate' | 'kill'): void {
    const runner = live.get(id);
    if (!runner) return;
    if (runner.handle) runner.handle[how]();
    else {
      runner.cancelled = true;
      checkDrained();
    }
  }

  return {
    add(order) {
      const fresh = { order, begun: nothing, address: null, cancelled: false, keep: false, exit: null };
      const runner: LiveRunner = { ...fresh, releaseSecrets: () => undefined };
      live.set(order.runnerId, runner);
      return runner;
    },
    get: (id) => live.get(id),
    all: () => [...live.values()].filter(({ exit }) => !exit),
    swapped(id, revision, running) {
      const runner = live.get(id);
      if (!runner) return;
      const { order, begun } = runner;
      if (order.revision === revision) return;
      runner.begun = new Map(running.map((requestId) => [requestId, begun.get(requestId) ?? order.revision]));
      runner.order = { ...order, revision };
    },
    began(id, requestId) {
      const runner = live.get(id);
      if (!runner?.begun.has(requestId)) return;
      runner.begun = new Map([...runner.begun].filter(([other]) => other !== requestId));
    },
    ofAlias: (alias) =>
      [...live.values()].filter((r) => r.order.alias === alias && !r.exit).map((r) => r.order.runnerId),
    end,
    ended,
    startFailed: (runner, reason) => ended(runner, { code: null, signal: null, reason }),
    release(runner) {
      runner.keep = false;
      forget(runner);
    },
    allEnded(timeoutMs) {
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        drained = () => {
          clearTimeout(timer);
          resolve();
        };
        checkDrained();
      });
    },
    terminateAll() {
      for (const { order, exit } of [...live.values()]) if (!exit) end(order.runnerId, 'terminate');
    },
  };
}
