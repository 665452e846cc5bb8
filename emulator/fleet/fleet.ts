import type { Exchange } from '../exchange/exchange.ts';
import { type Report, throwLater } from '../local/loop/contain.ts';
import { createPaced } from '../local/loop/paced.ts';
import { type Steady, steadyAs } from '../local/loop/steady.ts';
import type { Queue } from '../queue/types.ts';
import type { Note } from '../scheduler/effects.ts';
import type { Event } from '../scheduler/events.ts';
import type { TimeScale } from '../scheduler/time-scale.ts';
import type { Runner } from '../scheduler/types.ts';
import { defaultLimits } from '../scheduler/world/world.ts';
import { createCommands } from './commands.ts';
import { createDeploys } from './deploys.ts';
import { createEffects } from './effects.ts';
import { createFailures } from './failures.ts';
import { createHost } from './host.ts';
import { createNotes } from './notes.ts';
import { createQuestions } from './questions.ts';
import { createAttempts } from './requests/attempts.ts';
import { createFunctionRuns } from './requests/function-runs.ts';
import { createWithdrawals } from './requests/withdrawals.ts';
import { createProbes } from './runners/probes.ts';
import { createRunners, type RunnersDeps } from './runners/runners.ts';
import type { Fleet, Launch } from './types.ts';
import { createWatchers } from './watchers.ts';

interface FleetDeps extends Pick<RunnersDeps, 'engine' | 'envOf' | 'mask' | 'dataDir' | 'onLine'> {
  /** Makes runner ids; a new one for each start of the emulator. */
  readonly seed: string;
  /** Milliseconds since the epoch: for what is stored. */
  readonly clock: () => number;
  /** For every duration; by default `clock` serves for both. */
  readonly steady?: Steady;
  readonly time: TimeScale;
  /** How many runners the machine has room for; absent: any number. */
  readonly maxRunners?: number;
  /** How many GPU slots it has; absent: no limit. */
  readonly gpuSlots?: number | undefined;
  readonly queue: Queue;
  readonly exchange: Pick<Exchange, 'perform' | 'cancel'>;
  /** The launch of a deployed revision; rejects with a sentence when it can't be had. */
  readonly launchOf: (revision: string) => Promise<Launch>;
  /** A deploy came through: calls go to `revision` from now on. */
  readonly onMoved: (alias: string, revision: string) => void;
  /** A runner was asked for; `machineType` is known here for ephemeral apps only. */
  readonly onCreated: (runner: Runner, machineType: string | undefined) => void;
  readonly onNotes: (notes: readonly Note[]) => void;
  /** Hears of bugs: each ends the one request, runner or deploy that it was about. By default they are thrown. */
  readonly report?: Report;
}

/**
 * What an app's teardown() gets when the emulator stops: the platform's default grace
 * (docs/platform/runners.md#shutdown).
 */
const shutdownGraceMs = 5_000;
/**
 * How long a request may continue when the emulator stops, before its runner is asked to end: `minifal stop` waits for
 * both.
 */
export const finishMs = 5_000;

/** The way in to the scheduler: turns calls into events, carries effects out on the engine, decides nothing. */
export function createFleet(deps: FleetDeps): Fleet & { close(): Promise<void> } {
  const { queue, exchange, clock, maxRunners, gpuSlots, onMoved, onCreated, onNotes, report = throwLater } = deps;
  const { runners: mostRunners, gpuSlots: mostSlots } = defaultLimits;
  const steady = deps.steady ?? steadyAs(clock);
  // The loop and its hands need each other: these are there before its first event.
  const host = createHost({
    seed: deps.seed,
    steady,
    time: deps.time,
    limits: { ...defaultLimits, runners: maxRunners ?? mostRunners, gpuSlots: gpuSlots ?? mostSlots },
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
  const questions = createQuestions(host, () => ({ ...deps.time, ahead: steady.ahead() }));
  /**
   * What apps bring about without being asked: a thousand of them may answer, or end, in the same moment, and each of
   * these events may be followed by as many effects as a step may have.
   */
  const paced = createPaced(report);
  const watchers = createWatchers(report);
  const deploys = createDeploys(dispatch);
  const functionRuns = createFunctionRuns(report);
  const runners = createRunners({
    ...deps,
    report,
    dispatch,
    paced,
    launchOf: async (revision) => deploys.launchOf(revision) ?? (await deps.launchOf(revision)),
    onResult: (order, result) => functionRuns.onResult(order.alias, order.runnerId, result),
    onDone({ alias, runnerId }) {
      const state = questions.runner(runnerId)?.state.kind;
      if (state !== undefined) watchers.done(alias, runnerId, state);
    },
    onExit: (order, exit) => functionRuns.onExit(order.alias, exit),
  });
  const { handle, address: addressOf } = runners;
  const probes = createProbes({ handle, runner: questions.runner, paced, dispatch, report });
  const attempts = createAttempts({
    queue,
    addressOf,
    dispatch,
    paced,
    clock,
    report,
    perform: exchange.perform,
    probe: (id) => probes.health(id, true),
    failed: (effect, error) => failed(effect, error),
  });
  const failed = createFailures({ attempts, runners, deploys, dispatch, report });
  const perform = createEffects({ attempts, runners, probes, deploys, questions, world, onMoved });
  const record = createNotes({ questions, deploys, runners, watchers, onCreated, onNotes, report });
  const { deploy, removeAlias } = deploys;
  const { lease, runnerOf } = attempts;

  return {
    ...questions,
    ...createCommands(dispatch, questions),
    ...createWithdrawals({ queue, runnerOf, addressOf, sendCancel: exchange.cancel, world, dispatch, report }),
    deploy,
    removeAlias,
    lease,
    exec: runners.exec,
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
    enqueue: (request) => dispatch({ type: 'requestArrived', request }),
    takeUp: (requests) => dispatch({ type: 'requestsRecovered', requests }),
    linesTold: probes.linesTold,
    probeOnDemand: (runnerId) => probes.health(runnerId, true),
    async close() {
      dispatch({ type: 'shutdown' });
      await runners.allEnded(finishMs);
      // Whatever still runs may finish within the grace of its runner, and counts if it does.
      runners.terminateAll();
      await runners.allEnded(shutdownGraceMs);
      host.close();
      await deps.engine.close();
    },
  };
}
