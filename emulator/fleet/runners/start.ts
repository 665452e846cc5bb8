import type {
  CallResult,
  Engine,
  ExceptionReport,
  RunnerAddress,
  RunnerEvents,
  RunnerExit,
  RunnerLine,
} from '../../engines/engine.ts';
import type { Gpu } from '../../local/gpus/gpu.ts';
import { contain, type Report } from '../../local/loop/contain.ts';
import type { Paced } from '../../local/loop/paced.ts';
import type { Event } from '../../scheduler/events.ts';
import type { Mask } from '../../telemetry/masking/mask.ts';
import { UserError } from '../../wire/errors.ts';
import type { MachineLimitMode } from '../../wire/machine-limits.ts';
import type { RunnerDebug } from '../../wire/runner-debug.ts';
import type { StartStep } from '../../wire/runner-start.ts';
import type { Launch, RunnerVariables } from '../types.ts';
import { gpuDifference } from './gpu-difference.ts';
import { type GpuLedger, gpuVariables } from './gpu-ledger.ts';
import { type LiveRunner, type LiveRunners, ownerOf, type StartOrder } from './live-runners.ts';
import { limitOf, outOfMemory } from './memory-limits.ts';

export interface StartDeps {
  readonly engine: Engine;
  readonly launchOf: (revision: string) => Promise<Launch>;
  readonly envOf: (order: StartOrder, launch: Launch) => Promise<RunnerVariables>;
  /** Masks secrets in all text from a runner that is handled here; log lines are masked where they are recorded. */
  readonly mask: Mask;
  /** Whether runners of this alias wait for a debugger before they load their code. */
  readonly waitsForDebugger: (alias: string) => boolean;
  readonly dataDir: string;
  readonly gpus: GpuLedger;
  readonly clock: () => number;
  readonly dispatch: (event: Event) => void;
  /** Paces events, because many runners may report at the same moment. */
  readonly paced: Paced;
  readonly onLine: (order: StartOrder, line: RunnerLine) => void;
  readonly onException: (order: StartOrder, report: ExceptionReport) => void;
  /** A step of the runner's start. Its texts are the app's. */
  readonly onStep: (runnerId: string, step: StartStep) => void;
  /** Returns false if nothing waits for the result. */
  readonly onResult: (order: StartOrder, result: CallResult) => boolean;
  readonly onDone: (order: StartOrder) => void;
  /** What happens to runners that use more memory than their machine types have. */
  readonly machineLimits: MachineLimitMode;
  readonly report: Report;
}

interface OwnDeps extends StartDeps {
  /** A runner has got its process. */
  readonly onProcess: () => void;
}

/** Starts a runner: resolves everything it needs, starts it on the engine, and turns its reports into events. */
export function createStart(deps: OwnDeps, live: LiveRunners): (order: StartOrder) => Promise<void> {
  return async (order) => {
    const runner = live.add(order);
    const startupTimeoutMs = order.settings.startupTimeoutSeconds * 1000;
    deps.onStep(order.runnerId, { step: 'ordered', at: deps.clock(), startupTimeoutMs });
    // Before anything that takes time: the next runner must not get the same ones.
    const taken = deps.gpus.take(order.runnerId, order.settings.gpuSlots, order.gpu?.kind);
    let spec: Parameters<Engine['start']>[0];
    try {
      const launch = withGpu(await deps.launchOf(order.revision), order);
      runner.machineType = launch.machineType;
      spec = await specOf(deps, runner, launch, taken);
      printDifference(deps, order, launch, taken);
      deps.onStep(order.runnerId, { step: 'environment', at: deps.clock(), isBuilt: launch.isBuilt ?? false });
    } catch (error) {
      if (!(error instanceof UserError)) deps.report(error);
      live.startFailed(runner, reasonOf(error));
      return;
    }
    if (runner.cancelled) {
      live.startFailed(runner, 'The runner was stopped before it started.');
      return;
    }
    try {
      runner.handle = deps.engine.start(spec, eventsOf(deps, live, runner));
    } catch (error) {
      deps.report(error);
      live.startFailed(runner, `The engine could not start the runner: ${reasonOf(error)}`);
      return;
    }
    // The runner was cancelled while the engine was starting it (the callbacks above may run synchronously).
    if (runner.cancelled) runner.handle.kill();
  };
}

/** It runs on the machine type that the scheduler has chosen among those of the app. */
function withGpu(launch: Launch, { gpu }: StartOrder): Launch {
  return gpu === undefined ? launch : { ...launch, machineType: gpu.machineType };
}

/** In the runner's own log, where somebody looks who wonders why a model doesn't fit. */
function printDifference({ clock, onLine }: StartDeps, order: StartOrder, launch: Launch, taken: readonly Gpu[]): void {
  const text = gpuDifference({ machineType: launch.machineType, count: order.settings.gpuSlots }, taken);
  if (text !== undefined) onLine(order, { at: clock(), stream: 'stderr', text: `minifal: ${text}` });
}

async function specOf(
  deps: StartDeps,
  runner: LiveRunner,
  launch: Launch,
  taken: readonly Gpu[],
): Promise<Parameters<Engine['start']>[0]> {
  const { order } = runner;
  const { env, secrets } = await deps.envOf(order, launch);
  runner.releaseSecrets = deps.mask.hold(secrets);
  const { path, method, timeoutSeconds } = order.settings.health;
  const { gpuSlots } = order.settings;
  const memoryBytes = limitOf({ machineType: launch.machineType, gpuSlots });
  return {
    runnerId: order.runnerId,
    environment: launch.environment,
    callable: launch.callable,
    ...(launch.setup ? { setup: launch.setup } : {}),
    mode: launch.mode,
    ...(launch.declaredPort === null ? {} : { declaredPort: launch.declaredPort }),
    ...(launch.metricsPort === undefined ? {} : { metricsPort: launch.metricsPort }),
    health: { path, method, timeoutSeconds },
    appFiles: launch.appFiles,
    gpus: taken.filter((gpu) => !gpu.virtual),
    env: { ...env, ...gpuVariables(deps.gpus.gpus(), taken) },
    dataDir: deps.dataDir,
    ...(deps.machineLimits === 'enforce' && Number.isFinite(memoryBytes) ? { memoryBytes } : {}),
    ...(launch.development ? { development: true } : {}),
    ...(deps.waitsForDebugger(order.alias) ? { waitsForDebugger: true } : {}),
  };
}

/** An error in one of these callbacks ends this runner and never reaches the engine, which has other runners. */
function eventsOf(deps: OwnDeps, live: LiveRunners, runner: LiveRunner): RunnerEvents {
  const { order } = runner;
  const { runnerId } = order;
  const kill = (): void => live.end(runnerId, 'kill');
  const paced = <T>(work: (news: T) => void, failed?: () => void) => {
    const contained = contain(deps.report, work, failed);
    return contain(deps.report, (news: T) => deps.paced.do(() => contained(news)), failed);
  };
  const started = paced<number | undefined>((pid) => {
    runner.pid = pid;
    deps.dispatch({ type: 'runnerStarted', runnerId });
    deps.onProcess();
  }, kill);
  const ready = paced<RunnerAddress | null>((address) => {
    runner.address = address;
    deps.dispatch({ type: 'runnerReady', runnerId });
  }, kill);
  const step = (reached: StartStep) => deps.onStep(runnerId, reached);
  return {
    pulling: paced<number>((percent) => deps.dispatch({ type: 'runnerPulling', runnerId, percent }), kill),
    started: contain(
      deps.report,
      (pid?: number) => {
        step({ step: 'process', at: deps.clock() });
        started(pid);
      },
      kill,
    ),
    ready: contain(
      deps.report,
      (address: RunnerAddress | null) => {
        step({ step: 'ready', at: deps.clock() });
        ready(address);
      },
      kill,
    ),
    step: contain(deps.report, (own: Parameters<RunnerEvents['step']>[0]) => step({ ...own, at: deps.clock() })),
    debug: paced<RunnerDebug | null>((debug) => deps.dispatch({ type: 'runnerDebugged', runnerId, debug }), kill),
    line: contain(deps.report, (line) => deps.onLine(ownerOf(runner, line.requestId), line)),
    exception: contain(deps.report, (report) => deps.onException(ownerOf(runner, report.requestId), report)),
    result: paced<CallResult>((result) => {
      runner.keep = true;
      // The caller may have disconnected in the meantime; then the result's files aren't needed.
      if (!deps.onResult(order, withShown(result, deps.mask))) live.release(runner);
    }, kill),
    done: paced<void>(() => deps.onDone(order)),
    exited: paced<RunnerExit>((exit) => {
      const { machineType } = runner;
      if (exit.outOfMemory && machineType !== undefined)
        runner.endReason ??= outOfMemory({ machineType, gpuSlots: order.settings.gpuSlots });
      live.ended(runner, exit);
    }),
  };
}

/** Masks the text next to the result, which is shown and stored. The pickled result goes to the caller unchanged. */
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
