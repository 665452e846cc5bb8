import type { Exchange } from '../exchange/exchange.ts';
import { fetchMetricsPage } from '../exchange/metrics-page.ts';
import type { Gpu } from '../local/gpus/gpu.ts';
import { contain, type Report, throwLater } from '../local/loop/contain.ts';
import { createPaced } from '../local/loop/paced.ts';
import { type Steady, steadyAs } from '../local/loop/steady.ts';
import type { Queue } from '../queue/types.ts';
import type { Note } from '../scheduler/effects.ts';
import type { Event } from '../scheduler/events.ts';
import * as select from '../scheduler/requests/select.ts';
import type { TimeScale } from '../scheduler/time-scale.ts';
import type { Runner } from '../scheduler/types.ts';
import { defaultLimits } from '../scheduler/world/world.ts';
import type { CallInfo, RequestTrace } from '../telemetry/requests/types.ts';
import { createCommands } from './commands.ts';
import { createDebugWaits } from './debug-waits.ts';
import { createDeploys } from './deploys.ts';
import { createEffects } from './effects.ts';
import { createFailures } from './failures.ts';
import { createGpuFaults } from './gpu-faults.ts';
import { createHost } from './host.ts';
import { createNotes } from './notes.ts';
import { createQueries } from './queries.ts';
import { createReloads } from './reloads.ts';
import { createAttempts } from './requests/attempts.ts';
import { createFunctionRuns } from './requests/function-runs.ts';
import { createWithdrawals } from './requests/withdrawals.ts';
import { createGpuLedger } from './runners/gpu-ledger.ts';
import { gpuProblem } from './runners/gpu-problem.ts';
import { createProbes } from './runners/probes.ts';
import { createRunners, type RunnersDeps } from './runners/runners.ts';
import type { Fleet, GpuRoom, Launch } from './types.ts';
import { createWatchers } from './watchers.ts';

interface FleetDeps
  extends Pick<
    RunnersDeps,
    'engine' | 'envOf' | 'mask' | 'dataDir' | 'machineLimits' | 'onLine' | 'onException' | 'onStep'
  > {
  /** Seed for runner IDs; a new one for each start of the emulator. */
  readonly seed: string;
  /** Milliseconds since the epoch, for stored times. */
  readonly clock: () => number;
  /** For all durations; default: `clock`. */
  readonly steady?: Steady;
  readonly time: TimeScale;
  /** Maximum number of runners on this machine; absent: no limit. */
  readonly maxRunners?: number;
  /** Absent: no limit. */
  readonly gpuRoom?: GpuRoom;
  /** The GPUs that runners get; absent: none are known, and runners see what there is. */
  readonly gpus?: readonly Gpu[] | undefined;
  /** What runners use, by their IDs: once a second, while there are any. */
  readonly onUsage?: RunnersDeps['onUsage'];
  /** Called when the first runner has been given GPUs, and when the last one has ended. */
  readonly onGpuUse?: (inUse: boolean) => void;
  readonly queue: Queue;
  readonly exchange: Pick<Exchange, 'perform' | 'cancel'>;
  /** Resolves the launch of a deployed revision; rejects with a message when that fails. */
  readonly launchOf: (revision: string) => Promise<Launch>;
  /** Called when a deploy succeeded: calls go to `revision` from now on. */
  readonly onMoved: (alias: string, revision: string) => void;
  /** Called when a runner is requested; `machineType` is known here for ephemeral apps only. */
  readonly onCreated: (runner: Runner, machineType: string | undefined) => void;
  readonly onNotes: (notes: readonly Note[]) => void;
  /** Is called with everything that happens to a request. */
  readonly trace: RequestTrace;
  /** Receives bugs. Each one ends only the request, runner or deploy that it affects. By default they are thrown. */
  readonly report?: Report;
}

/**
 * Grace period for an app's teardown() when the emulator stops: the platform's default
 * (docs/platform/runners.md#shutdown).
 */
const shutdownGraceMs = 5_000;
/**
 * How long a request may continue when the emulator stops, before its runner is asked to end: `minifal stop` waits for
 * both.
 */
export const finishMs = 5_000;

/** The entry point to the scheduler: turns calls into events and carries out effects on the engine. Decides nothing. */
export function createFleet(deps: FleetDeps): Fleet & { close(): Promise<void> } {
  const { queue, exchange, clock, maxRunners, gpuRoom, onMoved, onCreated, onNotes, report = throwLater } = deps;
  const steady = deps.steady ?? steadyAs(clock);
  // The host and the effects depend on each other: the effects are set before the first event.
  const host = createHost({
    seed: deps.seed,
    steady,
    time: deps.time,
    limits: {
      ...defaultLimits,
      runners: maxRunners ?? defaultLimits.runners,
      gpuSlots: gpuRoom?.slots ?? defaultLimits.gpuSlots,
      gpuKinds: gpuRoom?.kinds ?? null,
    },
    perform(effect) {
      paced.count();
      perform(effect);
    },
    settled: () => attempts.settled(),
    failed: (cause, error) => failed(cause, error),
    record: (notes) => record(notes),
    changed: (changed) => watchers.changed(changed),
  });
  const { world } = host;
  const dispatch = (event: Event) => host.dispatch(event);
  const queries = createQueries(host, () => ({ ...deps.time, ahead: steady.ahead() }));
  /**
   * Paces unsolicited events of apps. A thousand apps may answer or exit at the same moment, and each of these events
   * may cause as many effects as a step allows.
   */
  const paced = createPaced(report);
  const watchers = createWatchers(report);
  const deploys = createDeploys(dispatch);
  const functionRuns = createFunctionRuns(report);
  const gpus = createGpuLedger(deps.gpus ?? [], deps.onGpuUse);
  const debugWaits = createDebugWaits({
    runners: queries.runners,
    handle: (id) => handle(id),
    kill: (id) => runners.kill(id),
    report,
  });
  const runners = createRunners({
    ...deps,
    onUsage: deps.onUsage ?? (() => undefined),
    waitsForDebugger: debugWaits.has,
    gpus,
    report,
    dispatch,
    paced,
    launchOf: async (revision) => deploys.launchOf(revision) ?? (await deps.launchOf(revision)),
    onResult: (order, result) => functionRuns.onResult(order.alias, order.runnerId, result),
    onDone({ alias, runnerId }) {
      const state = queries.runner(runnerId)?.state.kind;
      if (state !== undefined) watchers.done(alias, runnerId, state);
    },
    onExit: (order, exit) => functionRuns.onExit(order.alias, exit),
  });
  const { handle, address: addressOf } = runners;
  const probes = createProbes({ handle, runner: queries.runner, paced, dispatch, report });
  const trace = containAll(report, deps.trace);
  const arrived = ({ id, alias, channel: kind, method, path, submittedAt, attempts, isUnlisted }: CallInfo): void => {
    if (isUnlisted) return;
    const number = (kind === 'queue' ? queue.number(id) : undefined) ?? queue.takeNumber();
    trace.arrived({ number, id, alias, kind, method, path, submittedAt, attempts });
  };
  const reloads = createReloads({ begin: deploys.reload, handle, dispatch, report });
  const attempts = createAttempts({
    queue,
    trace,
    arrived,
    runner: queries.runner,
    readyOf: (alias) => select.readyRunner(world(), alias),
    addressOf,
    endReason: runners.endReason,
    dispatch,
    paced,
    clock,
    report,
    perform: exchange.perform,
    probe: (id) => probes.health(id, true),
    failed: (effect, error) => failed(effect, error),
  });
  const failed = createFailures({ attempts, runners, deploys, dispatch, report });
  const perform = createEffects({ attempts, runners, probes, deploys, reloads, queries: queries, world, onMoved });
  const record = createNotes({ queries: queries, deploys, runners, watchers, onCreated, onNotes, report });
  const { deploy } = deploys;
  const removeAlias = (alias: string): void => {
    debugWaits.set(alias, false);
    deploys.removeAlias(alias);
  };
  const { lease, runnerOf } = attempts;

  return {
    ...queries,
    ...createCommands(dispatch, queries),
    ...createWithdrawals({ queue, runnerOf, addressOf, sendCancel: exchange.cancel, world, dispatch, report }),
    deploy,
    reload: reloads.reload,
    removeAlias,
    lease,
    exec: runners.exec,
    waitForDebugger: debugWaits.set,
    setDebugFollowed: debugWaits.setFollowed,
    debug: async (id, adapter) => handle(id)?.debug(adapter),
    stacks: async (id) => handle(id)?.stacks(),
    runFunction: functionRuns.runner({
      deploy,
      lease,
      clock,
      call: (runnerId) => handle(runnerId)?.call(),
      kill: (alias) => runners.ofAlias(alias).forEach(runners.kill),
      remove: removeAlias,
      release: runners.release,
    }),
    watchRunners: watchers.watchRunners,
    follow: watchers.follow,
    enqueue(request) {
      arrived(request);
      dispatch({ type: 'requestArrived', request });
    },
    enqueueRecovered(requests) {
      requests.forEach(arrived);
      dispatch({ type: 'requestsRecovered', requests });
    },
    ...createGpuFaults({ gpus, runners, attempts, report }),
    gpus: () =>
      gpus.gpus().map((gpu) => ({ gpu, runners: gpus.holders(gpu.uuid).map((id) => ({ id, pid: runners.pid(id) })) })),
    usage: runners.usage,
    async metricsPage(runnerId, signal) {
      const address = addressOf(runnerId);
      return address?.metricsPort ? fetchMetricsPage(address, address.metricsPort, signal) : undefined;
    },
    setGpus(present, { slots, kinds }) {
      gpus.setGpus(present);
      const gpuSlots = slots ?? defaultLimits.gpuSlots;
      dispatch({ type: 'gpuSlotsChanged', gpuSlots, ...(kinds ? { gpuKinds: kinds } : {}) });
    },
    gpuProblem: (settings) => gpuProblem(world(), settings),
    flushLines: probes.flushLines,
    probeOnDemand: (runnerId) => probes.health(runnerId, true),
    async close() {
      dispatch({ type: 'shutdown' });
      await runners.allEnded(finishMs);
      // Running requests may finish within the grace period of their runner; their results then count.
      runners.terminateAll();
      await runners.allEnded(shutdownGraceMs);
      runners.close();
      host.close();
      await deps.engine.close();
    },
  };
}

/** What is recorded about requests must never stop one. */
function containAll(report: Report, trace: RequestTrace): RequestTrace {
  return {
    arrived: contain(report, trace.arrived),
    began: contain(report, trace.began),
    answered: contain(report, trace.answered),
    requeued: contain(report, trace.requeued),
    ended: contain(report, trace.ended),
  };
}
