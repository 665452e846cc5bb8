import type { ExecSession, RunnerAddress, RunnerExit, RunnerHandle } from '../../engines/engine.ts';
import { contain } from '../../local/loop/contain.ts';
import { printableLines } from '../../local/printable.ts';
import { memoryBeyond, readUsages, saysUsage } from '../../local/processes/usage.ts';
import type { RunnerId } from '../../scheduler/types.ts';
import { createLiveRunners, type LiveRunner, type LiveRunners, type StartOrder } from './live-runners.ts';
import { createMemoryLimits, type Measured } from './memory-limits.ts';
import { createStart, type StartDeps } from './start.ts';
import { createUsageWatch, type RunnerUsage } from './usage-watch.ts';

export interface Runners extends Pick<LiveRunners, 'began' | 'swapped' | 'ofAlias' | 'allEnded' | 'terminateAll'> {
  start(order: StartOrder): void;
  terminate(id: RunnerId): void;
  kill(id: RunnerId): void;
  handle(id: RunnerId): RunnerHandle | undefined;
  address(id: RunnerId): RunnerAddress | null;
  /** Its main process on this machine. */
  pid(id: RunnerId): number | undefined;
  /** Why minifal ends it or has ended it, in sentences; `undefined`: for no reason of its own, or it is forgotten. */
  endReason(id: RunnerId): string | undefined;
  /** It is being ended for this reason, or will end for it, whatever its process says. */
  blame(id: RunnerId, reason: string): void;
  /** What its processes use; `undefined`: not measured yet, or it can't be. */
  usage(id: RunnerId): RunnerUsage | undefined;
  /** How the runner ended, while its end is being reported; `null`: it didn't end with a process exit. */
  exit(id: RunnerId): RunnerExit | null;
  /** See `Fleet.exec`. */
  exec(id: RunnerId, ...order: Parameters<RunnerHandle['exec']>): ExecSession | undefined;
  /** Marks the runner as ended because a bug in minifal made it unmanageable. */
  abandon(id: RunnerId, reason: string): void;
  /** No runner is measured from now on. */
  close(): void;
  /** Lets the runner's folder be deleted after the result's files were read. */
  release(id: RunnerId): void;
}

export interface RunnersDeps extends StartDeps {
  readonly onExit: (order: StartOrder, exit: RunnerExit) => void;
  /** What runners use, by their IDs: once a second, while there are any. */
  readonly onUsage: (usages: ReadonlyMap<RunnerId, RunnerUsage>) => void;
}

/** Runs runners on the engine and turns what happens into events. Decides nothing. */
export function createRunners(deps: RunnersDeps): Runners {
  const { report, dispatch } = deps;
  const live = createLiveRunners({
    report,
    onEnded(order, exit) {
      deps.gpus.giveBack(order.runnerId);
      // The reason may contain text from the app, and is shown in logs, tables and terminals.
      const reason = printableLines(deps.mask(exit.reason));
      const { cause } = exit;
      contain(report, deps.onExit)(order, { ...exit, reason });
      dispatch({ type: 'runnerExited', runnerId: order.runnerId, reason, ...(cause ? { cause } : {}) });
    },
  });

  const limits = createMemoryLimits({
    mode: deps.machineLimits,
    memoryBeyond,
    warn(id, text) {
      const runner = live.get(id);
      if (runner) deps.onLine(runner.order, { at: deps.clock(), stream: 'stderr', text: `minifal: ${text}` });
    },
    end(id, reason) {
      blame(id, reason);
      live.end(id, 'kill');
    },
  });
  const canMeasure = saysUsage();
  const usage = createUsageWatch({
    runners: () => (canMeasure ? live.all().flatMap(measured) : []),
    usages: readUsages,
    check: limits.check,
    onUsage: contain(report, deps.onUsage),
    report,
  });

  function blame(id: RunnerId, reason: string): void {
    const runner = live.get(id);
    if (runner && !runner.exit) runner.endReason ??= reason;
  }

  function abandon(id: RunnerId, reason: string): void {
    const runner = live.get(id);
    if (runner) live.startFailed(runner, reason);
    else dispatch({ type: 'runnerExited', runnerId: id, reason });
  }

  return {
    began: live.began,
    swapped: live.swapped,
    ofAlias: live.ofAlias,
    allEnded: live.allEnded,
    terminateAll: live.terminateAll,
    start: contain(report, createStart({ ...deps, onProcess: usage.begin }, live), ({ runnerId }) =>
      abandon(runnerId, 'Internal error in minifal while it started the runner; see emulator.log.'),
    ),
    abandon,
    exec(id, command, options, io) {
      const session = live.get(id)?.handle?.exec(command, options, {
        output: contain(report, io.output, () => session?.kill()),
        drained: contain(report, io.drained, () => session?.kill()),
        exited: contain(report, io.exited),
      });
      return session;
    },
    terminate: (id) => live.end(id, 'terminate'),
    kill: (id) => live.end(id, 'kill'),
    handle: (id) => live.get(id)?.handle,
    endReason: (id) => live.get(id)?.endReason,
    blame,
    exit: (id) => live.get(id)?.exit ?? null,
    pid: (id) => live.get(id)?.pid,
    address: (id) => live.get(id)?.address ?? null,
    usage: usage.of,
    close: usage.close,
    release(id) {
      const runner = live.get(id);
      if (runner) live.release(runner);
    },
  };
}

/** Nothing is known about runners on other machines, and of those without a process. */
function measured({ order, pid, machineType }: LiveRunner): readonly Measured[] {
  if (pid === undefined || machineType === undefined) return [];
  return [{ id: order.runnerId, pid, machineType, gpuSlots: order.settings.gpuSlots }];
}
