import type { Exchange } from '../exchange/exchange.ts';
import { contain, type Report, throwLater } from '../local/loop/contain.ts';
import { createPaced } from '../local/loop/paced.ts';
import { inSlices } from '../local/loop/slices.ts';
import { type Steady, steadyAs } from '../local/loop/steady.ts';
import type { Queue } from '../queue/types.ts';
import * as select from '../scheduler/requests/select.ts';
import { runnerOut, secondWord, type TimeScale, toReal } from '../scheduler/time-scale.ts';
import type { Effect, Event, Note, RequestId, Runner, RunnerId } from '../scheduler/types.ts';
import { why } from '../scheduler/why.ts';
import { stateOfWord } from '../scheduler/world/runner-state.ts';
import { defaultLimits } from '../scheduler/world/world.ts';
import { type Concern, concernOf } from './concerns.ts';
import { createHost } from './host.ts';
import { createAttempts } from './requests/attempts.ts';
import { createFunctionRuns } from './requests/function-runs.ts';
import { createRunners, type Runners, type StartOrder } from './runners/runners.ts';
import type { ChangeListener, Deployment, DeployResult, Fleet, Launch, RunnerWatcher } from './types.ts';

type RunnersDeps = Parameters<typeof createRunners>[0];

export interface FleetDeps extends Pick<RunnersDeps, 'engine' | 'envOf' | 'mask' | 'dataDir' | 'onLine'> {
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
  /** Launches handed in with a deploy, by revision: ephemeral apps have no other home. */
  const launches = new Map<string, { readonly alias: string; readonly launch: Launch }>();
  /** Deploys without an end, the oldest first: the scheduler ends the one under way before it begins the next. */
  const deploys = new Map<string, ((result: DeployResult) => void)[]>();
  const report = deps.report ?? throwLater;
  const steady = deps.steady ?? steadyAs(deps.clock);
  /** For instants on the wall as it is now. */
  const time = (): TimeScale => ({ ...deps.time, ahead: steady.ahead() });
  const watchers = new Map<string, Set<RunnerWatcher>>();
  const followers = new Set<ChangeListener>();
  const host = createHost({
    seed: deps.seed,
    steady,
    time: deps.time,
    limits: {
      ...defaultLimits,
      runners: deps.maxRunners ?? defaultLimits.runners,
      gpuSlots: deps.gpuSlots ?? defaultLimits.gpuSlots,
    },
    perform,
    settled: () => attempts.settled(),
    failed,
    record,
    changed(changed) {
      for (const follower of [...followers]) contain(report, follower)(changed);
    },
  });
  const dispatch = (event: Event) => host.dispatch(event);
  /**
   * What apps bring about without being asked: a thousand of them may answer, or end, in the same moment, and each of
   * these events may be followed by as many effects as a step may have.
   */
  const paced = createPaced(report);
  const functionRuns = createFunctionRuns(report);
  const runners: Runners = createRunners({
    ...deps,
    report,
    dispatch,
    paced,
    launchOf: async (revision) => launches.get(revision)?.launch ?? (await deps.launchOf(revision)),
    onResult: (order, result) => functionRuns.onResult(order.alias, order.runnerId, result),
    onDone: ({ alias, runnerId }) => announceDone(alias, runnerId),
    onExit: (order, exit) => functionRuns.onExit(order.alias, exit),
  });
  const attempts = createAttempts({
    queue: deps.queue,
    perform: deps.exchange.perform,
    probe: (id) => void probe(id, true),
    addressOf: (id) => runners.address(id),
    dispatch,
    paced,
    clock: deps.clock,
    report,
    failed,
  });

  const performers: { readonly [T in Effect['type']]: (effect: Extract<Effect, { type: T }>) => void } = {
    startRunner: start,
    terminateRunner: ({ runnerId }) => runners.terminate(runnerId),
    killRunner: ({ runnerId }) => runners.kill(runnerId),
    probeHealth: ({ runnerId }) => void probe(runnerId, false),
    checkTcp: ({ runnerId }) => void checkTcp(runnerId),
    assign: (effect) => attempts.assign(effect),
    abortAttempt: ({ requestId }) => attempts.abort(requestId),
    acceptAttempt: ({ requestId }) => attempts.accept(requestId),
    requeueRequest: ({ requestId }) => attempts.requeue(requestId, select.retriedOf(host.world(), requestId)),
    failRequest: ({ requestId, error }) => attempts.fail(requestId, error),
    aliasMoved({ alias, revision }) {
      deps.onMoved(alias, revision);
      settleDeploy(alias, { kind: 'moved' });
    },
    deployFailed: ({ alias, reason }) => settleDeploy(alias, { kind: 'failed', reason }),
  };

  function perform(effect: Effect): void {
    paced.count();
    (performers[effect.type] as (effect: Effect) => void)(effect);
  }

  const real = (runner: Runner) => runnerOut(time(), runner);

  function start(order: Omit<StartOrder, 'settings'>): void {
    const runner = select.runner(host.world(), order.runnerId);
    if (runner) runners.start({ ...order, settings: real(runner).settings });
  }

  async function probe(runnerId: RunnerId, onDemand: boolean): Promise<void> {
    const runner = select.runner(host.world(), runnerId);
    if (!runner) return;
    const { timeoutSeconds } = real(runner).settings.health;
    const ok = await found(() => runners.handle(runnerId)?.probe(timeoutSeconds));
    paced.do(() => dispatch({ type: 'healthProbed', runnerId, ok, onDemand }));
  }

  async function checkTcp(runnerId: RunnerId): Promise<void> {
    const ok = await found(() => runners.handle(runnerId)?.checkTcp());
    paced.do(() => dispatch({ type: 'tcpChecked', runnerId, ok }));
  }

  /** What can't be asked is not well. */
  async function found(ask: () => Promise<boolean> | undefined): Promise<boolean> {
    try {
      return (await ask()) ?? false;
    } catch (error) {
      report(error);
      return false;
    }
  }

  function failed(cause: Event | Effect, error: unknown): void {
    report(error);
    // The others of the group must not end for one of them.
    if (cause.type === 'requestsRecovered')
      for (const request of cause.requests) dispatch({ type: 'requestArrived', request });
    const concern = concernOf(cause);
    const reason = 'minifal failed at this; its own log says more.';
    if (concern?.kind === 'deploy') settleDeploy(concern.alias, { kind: 'failed', reason });
    else if (concern?.kind === 'request') giveUp(concern);
    else if (concern?.how === 'abandon') runners.abandon(concern.id, reason);
    else if (concern) contain(report, runners.kill)(concern.id);
  }

  function giveUp({ id: requestId, left }: Extract<Concern, { kind: 'request' }>): void {
    attempts.giveUp(requestId);
    if (left === 'waiting') dispatch({ type: 'requestWithdrawn', requestId });
    if (left === 'waiting' || left === 'nothing') return;
    // Whatever became of it, its place on the runner is free.
    dispatch({ type: 'attemptEnded', requestId, attemptId: left.attempt, outcome: { kind: 'response', status: 500 } });
  }

  function settleDeploy(alias: string, result: DeployResult): void {
    const [settle, ...later] = deploys.get(alias) ?? [];
    if (later.length > 0) deploys.set(alias, later);
    else deploys.delete(alias);
    settle?.(result);
  }

  function record(notes: readonly Note[]): void {
    if (notes.length === 0) return;
    for (const note of notes) {
      if (note.topic === 'runner.state' && note.from === '' && note.runnerId) contain(report, created)(note.runnerId);
    }
    contain(report, deps.onNotes)(notes);
    for (const note of notes) {
      if (note.topic !== 'runner.state' || !note.runnerId || note.to === undefined) continue;
      const { runnerId, text: reason } = note;
      const state = stateOfWord(note.to);
      const exit = runners.exit(runnerId);
      const end = { exitCode: exit?.code ?? null, lost: exit?.cause === 'supervisor_lost', done: exit?.done ?? false };
      for (const watch of [...(watchers.get(note.alias) ?? [])]) {
        contain(report, watch)({ runnerId, state, reason, ...end });
      }
    }
  }

  function announceDone(alias: string, runnerId: RunnerId): void {
    const state = select.runner(host.world(), runnerId)?.state.kind;
    if (state === undefined) return;
    const change = { runnerId, state, reason: 'The app has served as many requests as it was meant to.' };
    for (const watch of [...(watchers.get(alias) ?? [])]) {
      contain(report, watch)({ ...change, exitCode: null, lost: false, done: true });
    }
  }

  function created(runnerId: RunnerId): void {
    const runner = select.runner(host.world(), runnerId);
    if (runner) deps.onCreated(real(runner), launches.get(runner.revision)?.launch.machineType);
  }

  function watchRunners(alias: string, watch: RunnerWatcher): () => void {
    const set = watchers.get(alias) ?? new Set();
    watchers.set(alias, set.add(watch));
    return () => {
      set.delete(watch);
      if (set.size === 0) watchers.delete(alias);
    };
  }

  function deploy(deployment: Deployment, launch?: Launch): Promise<DeployResult> {
    if (launch) launches.set(deployment.revision, { alias: deployment.alias, launch });
    return new Promise((settle) => {
      deploys.set(deployment.alias, [...(deploys.get(deployment.alias) ?? []), settle]);
      dispatch({ type: 'aliasDeployed', ...deployment });
    });
  }

  function removeAlias(alias: string): void {
    dispatch({ type: 'aliasDeleted', alias });
    for (const [revision, held] of launches) if (held.alias === alias) launches.delete(revision);
  }

  function isLive(id: RunnerId): boolean {
    const runner = select.runner(host.world(), id);
    return runner !== undefined && runner.state.kind !== 'terminated';
  }

  function cancel(requestId: RequestId): 'requested' | 'completed' | 'unknown' {
    const record = deps.queue.record(requestId);
    if (!record) return 'unknown';
    if (record.phase === 'COMPLETED') return 'completed';
    const runnerId = attempts.runnerOf(requestId);
    const address = runnerId ? runners.address(runnerId) : null;
    // Runners end with the emulator: the caller who heard must find after a crash that it isn't run again.
    if (runnerId) deps.queue.cancelRequested(requestId);
    if (address) contain(report, deps.exchange.cancel)(address, record.path, requestId);
    dispatch({ type: 'requestWithdrawn', requestId });
    return 'requested';
  }

  const runFunction = functionRuns.runner({
    deploy: (deployment, launch) => void deploy(deployment, launch),
    lease: attempts.lease,
    call: (runnerId) => runners.handle(runnerId)?.call(),
    kill: (alias) => {
      for (const id of runners.ofAlias(alias)) runners.kill(id);
    },
    remove: removeAlias,
    release: (runnerId) => runners.release(runnerId),
    clock: deps.clock,
  });

  return {
    deploy,
    applySettings: (alias, scale, settings) => dispatch({ type: 'aliasScaled', alias, scale, settings }),
    removeAlias,
    rollout: (alias, force) => dispatch({ type: 'rolloutRequested', alias, force }),
    stopRunner(runnerId, replaceFirst) {
      if (!isLive(runnerId)) return false;
      dispatch({ type: 'runnerStopRequested', runnerId, replaceFirst });
      return true;
    },
    killRunner(runnerId) {
      if (!isLive(runnerId)) return false;
      dispatch({ type: 'runnerKillRequested', runnerId });
      return true;
    },
    exec: (id, command, options, io) => runners.exec(id, command, options, io),
    isRolling: (alias) => select.isRolling(host.world(), alias),
    runFunction,
    watchRunners,
    follow(listener) {
      followers.add(listener);
      return () => void followers.delete(listener);
    },
    lease: attempts.lease,
    enqueue: (request) => dispatch({ type: 'requestArrived', request }),
    takeUp: (requests) => dispatch({ type: 'requestsRecovered', requests }),
    cancel,
    queuePosition: (requestId) => select.queuePosition(host.world(), requestId),
    queueSize: (alias) => select.queueSize(host.world(), alias),
    waitingSize: (alias) => select.waitingSize(host.world(), alias),
    lastFailure: (alias) => select.lastFailure(host.world(), alias),
    waiting: (alias, most) =>
      select
        .waitingIds(host.world(), alias, most)
        .map((id) => ({ id, since: toReal(time(), select.submittedAt(host.world(), id)) })),
    async flush(alias) {
      let count = 0;
      await inSlices(select.waitingInOrder(host.world(), alias), (requestId) => {
        // Some have begun, or ended, since the first slice.
        if (!select.isWaiting(host.world(), requestId) || !deps.queue.record(requestId)) return;
        count += 1;
        dispatch({ type: 'requestWithdrawn', requestId });
      });
      await deps.queue.settled();
      return count;
    },
    why: (requestId) => why(host.world(), requestId, host.now(), secondWord(deps.time)),
    runners: (alias) => select.runnersOf(host.world(), alias).map(real),
    runner(id) {
      const runner = select.runner(host.world(), id);
      return runner && real(runner);
    },
    expirationCountdownSeconds(id) {
      const left = select.expirationCountdownSeconds(host.world(), id, host.now());
      return left === null ? null : Math.ceil(left / deps.time.factor);
    },
    async linesTold(runnerId) {
      await found(async () => {
        await runners.handle(runnerId)?.linesTold();
        return true;
      });
    },
    probeOnDemand: (runnerId) => void probe(runnerId, true),
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
