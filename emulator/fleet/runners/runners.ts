import type {
  CallResult,
  Engine,
  ExecSession,
  RunnerAddress,
  RunnerEvents,
  RunnerExit,
  RunnerHandle,
  RunnerLine,
  RunnerSpec,
} from '../../engines/engine.ts';
import { contain, type Report } from '../../local/loop/contain.ts';
import type { Paced } from '../../local/loop/paced.ts';
import { printableLines } from '../../local/printable.ts';
import type { Event, RevisionSettings, RunnerId } from '../../scheduler/types.ts';
import type { Mask } from '../../telemetry/mask.ts';
import { UserError } from '../../wire/errors.ts';
import type { Launch, RunnerVariables } from '../types.ts';

export interface StartOrder {
  readonly runnerId: RunnerId;
  readonly alias: string;
  readonly revision: string;
  readonly settings: RevisionSettings;
}

interface Live {
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

export interface Runners {
  start(order: StartOrder): void;
  terminate(id: RunnerId): void;
  kill(id: RunnerId): void;
  handle(id: RunnerId): RunnerHandle | undefined;
  address(id: RunnerId): RunnerAddress | null;
  /** How it ended, while that is being reported; `null`: not by its own process. */
  exit(id: RunnerId): RunnerExit | null;
  /** See `Fleet.exec`. */
  exec(id: RunnerId, ...order: Parameters<RunnerHandle['exec']>): ExecSession | undefined;
  /** It can't be dealt with any more, by a bug of ours: counts as ended. */
  abandon(id: RunnerId, reason: string): void;
  /** Ids of processes of this alias that were started and have not exited. */
  ofAlias(alias: string): readonly RunnerId[];
  /** The result's files were read: the runner's folder may go. */
  release(id: RunnerId): void;
  /** Resolves when every runner has ended, or when the patience is over. */
  allEnded(patienceMs: number): Promise<void>;
  terminateAll(): void;
}

/** Carries runners through the engine and feeds what happens back as events. Decides nothing. */
export function createRunners(deps: {
  readonly engine: Engine;
  readonly launchOf: (revision: string) => Promise<Launch>;
  readonly envOf: (order: StartOrder, launch: Launch) => Promise<RunnerVariables>;
  /** Hides secrets in every text that leaves a runner here; lines pass it where they are recorded. */
  readonly mask: Mask;
  readonly dataDir: string;
  readonly dispatch: (event: Event) => void;
  /** Takes what many runners may report in the same moment. */
  readonly paced: Paced;
  readonly onLine: (order: StartOrder, line: RunnerLine) => void;
  /** False: nobody waits for it. */
  readonly onResult: (order: StartOrder, result: CallResult) => boolean;
  readonly onDone: (order: StartOrder) => void;
  readonly onExit: (order: StartOrder, exit: RunnerExit) => void;
  readonly report: Report;
}): Runners {
  const live = new Map<RunnerId, Live>();
  let drained: (() => void) | undefined;

  function ended(runner: Live, exit: RunnerExit): void {
    if (runner.exit) return;
    const reason = shown(exit.reason);
    const { cause } = exit;
    runner.exit = exit;
    contain(deps.report, deps.onExit)(runner.order, { ...exit, reason });
    deps.dispatch({ type: 'runnerExited', runnerId: runner.order.runnerId, reason, ...(cause ? { cause } : {}) });
    runner.releaseSecrets();
    forget(runner);
    lookWhetherDrained();
  }

  /** One that was called off while its environment was being built has nothing that could end. */
  function lookWhetherDrained(): void {
    const isThere = ({ exit, cancelled, handle }: Live) => !exit && (handle !== undefined || !cancelled);
    if (drained && ![...live.values()].some(isThere)) drained();
  }

  function neverRan(runner: Live, reason: string): void {
    ended(runner, { code: null, signal: null, reason });
  }

  /** Words of an app on their way to logs, tables and terminals. */
  function shown(text: string): string {
    return printableLines(deps.mask(text));
  }

  function forget(runner: Live): void {
    if (!runner.exit || runner.keep) return;
    live.delete(runner.order.runnerId);
    contain(deps.report, () => runner.handle?.dispose())();
  }

  function release(runner: Live): void {
    runner.keep = false;
    forget(runner);
  }

  async function start(order: StartOrder): Promise<void> {
    const runner: Live = {
      order,
      address: null,
      cancelled: false,
      keep: false,
      exit: null,
      releaseSecrets: () => undefined,
    };
    live.set(order.runnerId, runner);
    let spec: RunnerSpec;
    try {
      spec = await specOf(runner, await deps.launchOf(order.revision));
    } catch (error) {
      if (!(error instanceof UserError)) deps.report(error);
      neverRan(runner, reasonOf(error));
      return;
    }
    if (runner.cancelled) {
      neverRan(runner, 'The runner was ended before it started.');
      return;
    }
    // What goes wrong in one of these ends this runner; its engine, which has others, never hears of it.
    const kill = (): void => end(order.runnerId, 'kill');
    const paced = <T>(work: (news: T) => void, failed?: () => void) => {
      const contained = contain(deps.report, work, failed);
      return contain(deps.report, (news: T) => deps.paced.do(() => contained(news)), failed);
    };
    const events: RunnerEvents = {
      pulling: paced<number>(
        (percent) => deps.dispatch({ type: 'runnerPulling', runnerId: order.runnerId, percent }),
        kill,
      ),
      started: paced<void>(() => deps.dispatch({ type: 'runnerStarted', runnerId: order.runnerId }), kill),
      ready: paced<RunnerAddress | null>((address) => {
        runner.address = address;
        deps.dispatch({ type: 'runnerReady', runnerId: order.runnerId });
      }, kill),
      line: contain(deps.report, (line) => deps.onLine(order, line)),
      result: paced<CallResult>((result) => {
        runner.keep = true;
        // Anyone who waited for it may have left meanwhile; then nobody will read its files.
        if (!deps.onResult(order, withShown(result, deps.mask))) release(runner);
      }, kill),
      done: paced<void>(() => deps.onDone(order)),
      exited: paced<RunnerExit>((exit) => ended(runner, exit)),
    };
    try {
      runner.handle = deps.engine.start(spec, events);
    } catch (error) {
      deps.report(error);
      neverRan(runner, `The engine could not start it: ${reasonOf(error)}`);
      return;
    }
    // Asked to end while the engine was starting it (the callbacks above may run at once).
    if (runner.cancelled) runner.handle.kill();
  }

  async function specOf(runner: Live, launch: Launch): Promise<RunnerSpec> {
    const { order } = runner;
    const { env, secrets } = await deps.envOf(order, launch);
    runner.releaseSecrets = deps.mask.hold(secrets);
    const { path, method, timeoutSeconds } = order.settings.health;
    return {
      runnerId: order.runnerId,
      environment: launch.environment,
      callable: launch.callable,
      ...(launch.setup ? { setup: launch.setup } : {}),
      mode: launch.mode,
      ...(launch.declaredPort === null ? {} : { declaredPort: launch.declaredPort }),
      health: { path, method, timeoutSeconds },
      appFiles: launch.appFiles,
      env,
      dataDir: deps.dataDir,
    };
  }

  function abandon(id: RunnerId, reason: string): void {
    const runner = live.get(id);
    if (runner) neverRan(runner, reason);
    else deps.dispatch({ type: 'runnerExited', runnerId: id, reason });
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
    start: contain(deps.report, start, ({ runnerId }) => abandon(runnerId, 'minifal failed at starting this runner.')),
    abandon,
    exec(id, command, options, io) {
      const session = live.get(id)?.handle?.exec(command, options, {
        output: contain(deps.report, io.output, () => session?.kill()),
        drained: contain(deps.report, io.drained, () => session?.kill()),
        exited: contain(deps.report, io.exited),
      });
      return session;
    },
    terminate: (id) => end(id, 'terminate'),
    kill: (id) => end(id, 'kill'),
    handle: (id) => live.get(id)?.handle,
    exit: (id) => live.get(id)?.exit ?? null,
    address: (id) => live.get(id)?.address ?? null,
    ofAlias: (alias) =>
      [...live.values()].filter((r) => r.order.alias === alias && !r.exit).map((r) => r.order.runnerId),
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
    release(id) {
      const runner = live.get(id);
      if (runner) release(runner);
    },
  };
}

/** The pickled result is its caller's, as it is; the words next to it are shown and stored. */
function withShown(result: CallResult, mask: Mask): CallResult {
  if (result.kind === 'refused') return { ...result, reason: mask(result.reason) };
  if (!result.raised) return result;
  const { traceback, exceptionMessage } = result;
  return { ...result, traceback: mask(traceback), exceptionMessage: mask(exceptionMessage) };
}

function reasonOf(error: unknown): string {
  if (error instanceof UserError) return `${error.message} ${error.next}`;
  return error instanceof Error ? error.message : String(error);
}
