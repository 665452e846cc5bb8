import type { RunnerAddress, RunnerExit, RunnerHandle } from '../../engines/engine.ts';
import { contain, type Report } from '../../local/loop/contain.ts';
import type { RevisionSettings, RunnerId } from '../../scheduler/types.ts';

export interface StartOrder {
  readonly runnerId: RunnerId;
  readonly alias: string;
  readonly revision: string;
  readonly settings: RevisionSettings;
}

/** A runner from its start order until nothing of it is needed any more. */
export interface LiveRunner {
  readonly order: StartOrder;
  handle?: RunnerHandle;
  address: RunnerAddress | null;
  /** Asked to end before the engine was asked to start. */
  cancelled: boolean;
  /** The result's files are still to be read. */
  keep: boolean;
  exit: RunnerExit | null;
  /** Ends the hiding of the secrets that it was given. */
  releaseSecrets: () => void;
}

/** Every runner that was ordered and is still there, and how each comes to its end. */
export interface LiveRunners {
  add(order: StartOrder): LiveRunner;
  get(id: RunnerId): LiveRunner | undefined;
  /** Ids of processes of this alias that were started and have not exited. */
  ofAlias(alias: string): readonly RunnerId[];
  /** Asks its process to end; one that has none yet gets none. */
  end(id: RunnerId, how: 'terminate' | 'kill'): void;
  /** It has ended; said once. */
  ended(runner: LiveRunner, exit: RunnerExit): void;
  /** It has ended without a process of its own. */
  neverRan(runner: LiveRunner, reason: string): void;
  /** The result's files were read, or nobody will: the runner's folder may go. */
  release(runner: LiveRunner): void;
  /** Resolves when every runner has ended, or when the patience is over. */
  allEnded(patienceMs: number): Promise<void>;
  terminateAll(): void;
}

/** `onEnded`: called once for each runner, while it can still be asked how it ended; must not throw. */
export function createLiveRunners(deps: {
  readonly onEnded: (order: StartOrder, exit: RunnerExit) => void;
  readonly report: Report;
}): LiveRunners {
  const live = new Map<RunnerId, LiveRunner>();
  let drained: (() => void) | undefined;

  /** One that was called off while its environment was being built has nothing that could end. */
  function lookWhetherDrained(): void {
    const isThere = ({ exit, cancelled, handle }: LiveRunner) => !exit && (handle !== undefined || !cancelled);
    if (drained && ![...live.values()].some(isThere)) drained();
  }

  function forget(runner: LiveRunner): void {
    if (!runner.exit || runner.keep) return;
    live.delete(runner.order.runnerId);
    contain(deps.report, () => runner.handle?.dispose())();
  }

  function ended(runner: LiveRunner, exit: RunnerExit): void {
    if (runner.exit) return;
    runner.exit = exit;
    deps.onEnded(runner.order, exit);
    runner.releaseSecrets();
    forget(runner);
    lookWhetherDrained();
  }

  function end(id: RunnerId, how: 'terminate' | 'kill'): void {
    const runner = live.get(id);
    if (!runner) return;
    if (runner.handle) runner.handle[how]();
    else {
      runner.cancelled = true;
      lookWhetherDrained();
    }
  }

  return {
    add(order) {
      const fresh = { order, address: null, cancelled: false, keep: false, exit: null };
      const runner: LiveRunner = { ...fresh, releaseSecrets: () => undefined };
      live.set(order.runnerId, runner);
      return runner;
    },
    get: (id) => live.get(id),
    ofAlias: (alias) =>
      [...live.values()].filter((r) => r.order.alias === alias && !r.exit).map((r) => r.order.runnerId),
    end,
    ended,
    neverRan: (runner, reason) => ended(runner, { code: null, signal: null, reason }),
    release(runner) {
      runner.keep = false;
      forget(runner);
    },
    allEnded(patienceMs) {
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, patienceMs);
        drained = () => {
          clearTimeout(timer);
          resolve();
        };
        lookWhetherDrained();
      });
    },
    terminateAll() {
      for (const { order, exit } of [...live.values()]) if (!exit) end(order.runnerId, 'terminate');
    },
  };
}
