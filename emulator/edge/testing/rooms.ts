import { join } from 'node:path';
import { createBuilds } from '../../builds/builds.ts';
import type { Builder, EnvironmentDefinition } from '../../builds/types.ts';
import { createCatalog } from '../../catalog/catalog.ts';
import { createAppFiles } from '../../catalog/files/app-files.ts';
import { createBlobs } from '../../catalog/files/blobs.ts';
import type { SecretKey } from '../../catalog/secrets/secret-key.ts';
import type { ExecIo, ExecSession } from '../../engines/engine.ts';
import type {
  ChangeListener,
  Deployment,
  DeployResult,
  Fleet,
  FunctionRun,
  Launch,
  ReloadOrder,
  ReloadResult,
  RunnerWatcher,
} from '../../fleet/types.ts';
import { mainMigrations } from '../../migrations.ts';
import type { Runner } from '../../scheduler/types.ts';
import { createStorage } from '../../storage/storage.ts';
import { openStore } from '../../store/open.ts';
import { createLogs } from '../../telemetry/logs.ts';
import { createRunnerHistory } from '../../telemetry/runners.ts';
import type { Logs } from '../../telemetry/types.ts';
import { createWorkflows } from '../../workflows/workflows.ts';
import { createAuthenticate } from '../auth/auth.ts';
import { createRunnerKeyCheck, createRunnerKeys } from '../auth/runner-keys.ts';
import { createSigner } from '../auth/signed.ts';
import { createTokens } from '../auth/tokens.ts';
import { createRoutes } from '../routes.ts';
import { createLiveRuns } from '../runs/live-runs.ts';

/** For `expect.poll`: something that is certain to happen, at any time. */
export const slowPoll = { timeout: 20_000, interval: 5 };

type Call = { readonly method: string; readonly args: readonly unknown[] };

/**
 * For tests of the edge: the real catalog, blobs, app files, routes, logs, and runner history in a folder, and doubles
 * of everything that would need Python (builds, fleet). The doubles record their calls and behave as set by the test.
 */
export function testRooms(folder: string, secretKey: SecretKey = Buffer.alloc(32, 7)) {
  const start = Date.parse('2026-01-02T03:04:05.678Z');
  const state = { now: start };
  const clock = () => state.now;
  const store = openStore(join(folder, 'minifal.db'), { migrations: mainMigrations, synchronous: 'NORMAL' });
  const catalog = createCatalog({ store, clock, secretKey });
  const key = catalog.createKey('ADMIN', 'test');
  const testing = testFleet();
  const issued = createRunnerKeys();
  const check = createRunnerKeyCheck(issued, (id) => testing.fleet.runner(id)?.state.kind);
  const runnerKeys = { ...issued, ...check };
  const signing = { secret: Buffer.alloc(32, 7), clock, lives: runnerKeys.lives };
  const rooms = {
    catalog,
    blobs: createBlobs(join(folder, 'blobs')),
    appFiles: createAppFiles(join(folder, 'files')),
    routes: createRoutes({ catalog, workflows: createWorkflows({ store, clock }) }),
    runs: createLiveRuns((error) => {
      throw error;
    }),
    authenticate: createAuthenticate(catalog, runnerKeys),
    runnerKeys,
    storage: createStorage({ folder, store, clock, maxBytes: 1024 ** 3 }),
    tokens: createTokens(signing),
    uploadTokens: createSigner(signing, 'storage'),
    clock,
  };
  return {
    folder,
    state,
    key,
    rooms,
    store,
    ...testing,
    ...testBuilds(),
    ...testLogs(folder),
    runnerHistory: createRunnerHistory({ store, clock }),
  };
}

/** A build that ends as set by the test; `built` contains the requested builds. */
function testBuilds() {
  const built: EnvironmentDefinition[] = [];
  const plan = {
    log: [] as readonly string[],
    failure: undefined as string | undefined,
    requirement: undefined as string | null | undefined,
  };
  const virtualenv: Builder = {
    async build(definition, log) {
      built.push(definition);
      for (const message of plan.log) log({ at: 0, level: 'INFO', message });
      const { failure: reason, requirement } = plan;
      if (reason !== undefined)
        return { kind: 'failed', reason, ...(requirement === undefined ? {} : { requirement }) };
      return { kind: 'built', cached: false, environment: { kind: 'virtualenv', id: 'env-hash' } };
    },
    close: async () => undefined,
  };
  return { builds: createBuilds({ virtualenv, container: virtualenv }), built, buildPlan: plan };
}

/** A fleet that records its calls. `runners` contains those that the test adds. */
function testFleet() {
  const calls: Call[] = [];
  const runners: Runner[] = [];
  const watchers = new Map<string, Set<RunnerWatcher>>();
  const followers = new Set<ChangeListener>();
  const plan = {
    deploy: async (_deployment: Deployment): Promise<DeployResult> => ({ kind: 'moved' }),
    reload: async (_order: ReloadOrder): Promise<ReloadResult> => ({ kind: 'restarted', runners: [] }),
    runFunction: async (_alias: string, _launch: Launch, _signal: AbortSignal): Promise<FunctionRun> => ({
      kind: 'cancelled',
    }),
    countdownSeconds: null as number | null,
    exec: (_id: string, _io: ExecIo): ExecSession | undefined => undefined,
    queueSize: 0,
    lastFailure: null as string | null,
    gpus: [] as ReturnType<Fleet['gpus']>,
    usage: (_id: string): ReturnType<Fleet['usage']> => undefined,
    metricsPage: async (_id: string): ReturnType<Fleet['metricsPage']> => undefined,
  };
  const note = (method: string, ...args: readonly unknown[]) => void calls.push({ method, args });
  const has = (id: string) => runners.some((runner) => runner.id === id);
  const unused = (): never => {
    throw new Error('the control plane has no business with requests');
  };
  const fleet: Fleet = {
    deploy(deployment, launch) {
      note('deploy', deployment, launch);
      return plan.deploy(deployment);
    },
    reload(order, launch, change) {
      note('reload', order, launch, change);
      return plan.reload(order);
    },
    runFunction(alias, launch, settings, signal) {
      note('runFunction', alias, launch, settings);
      return plan.runFunction(alias, launch, signal);
    },
    applySettings: (alias, scale, settings) => note('applySettings', alias, scale, settings),
    removeAlias: (alias) => note('removeAlias', alias),
    rollout: (alias, force) => note('rollout', alias, force),
    stopRunner(id, replaceFirst) {
      note('stopRunner', id, replaceFirst);
      return has(id);
    },
    exec(id, command, options, io) {
      note('exec', id, command, options);
      return plan.exec(id, io);
    },
    debug: async () => undefined,
    stacks: async () => undefined,
    setDebugFollowed: () => undefined,
    waitForDebugger: (alias, wait) => note('waitForDebugger', alias, wait),
    killRunner(id) {
      note('killRunner', id);
      return has(id);
    },
    isRolling: () => false,
    watchRunners(alias, watch) {
      const set = watchers.get(alias) ?? new Set();
      watchers.set(alias, set.add(watch));
      return () => void set.delete(watch);
    },
    follow(listener) {
      followers.add(listener);
      return () => void followers.delete(listener);
    },
    counts: () => undefined,
    expiry: () => null,
    expirationCountdownSeconds: () => plan.countdownSeconds,
    gpus: () => plan.gpus,
    failGpu(uuid, fault) {
      note('failGpu', uuid, fault);
      return plan.gpus.find(({ gpu }) => gpu.uuid === uuid)?.runners.map(({ id }) => id) ?? [];
    },
    gpuProblem: () => undefined,
    usage: (id) => plan.usage(id),
    metricsPage: (id) => plan.metricsPage(id),
    setGpus: unused,
    queueSize: () => plan.queueSize,
    waitingSize: () => plan.queueSize,
    lastFailure: () => plan.lastFailure,
    async flush(alias) {
      note('flush', alias);
      return plan.queueSize;
    },
    runners: (alias) => runners.filter((runner) => alias === undefined || runner.alias === alias),
    runner: (id) => runners.find((runner) => runner.id === id),
    lease: unused,
    enqueueRecovered: unused,
    enqueue: unused,
    cancel: unused,
    queuePosition: unused,
    waiting: unused,
    why: unused,
    whyRunner: unused,
    appCircumstances: unused,
    waitCircumstances: unused,
    health: unused,
    flushLines: async () => undefined,
    probeOnDemand: unused,
  };
  const announce: (alias: string, change: Parameters<RunnerWatcher>[0]) => void = (alias, change) => {
    for (const watch of watchers.get(alias) ?? []) watch(change);
  };
  /** Notifies as after an event of the scheduler that concerned these. */
  const changed = (apps: readonly string[], runnerIds: readonly string[] = []): void => {
    for (const follower of followers) follower({ apps: new Set(apps), runners: new Set(runnerIds) });
  };
  return { fleet, calls, runners, fleetPlan: plan, announce, watchers, changed, changeFollowers: followers };
}

/** The real logs; `followers` contains one member per subscriber. */
function testLogs(folder: string) {
  const logs = createLogs({ file: join(folder, 'logs.db'), maxBytes: 64 * 1024 * 1024 });
  const followers = new Set<() => void>();
  const counted: Logs = {
    ...logs,
    follow(query, listener) {
      const unfollow = logs.follow(query, listener);
      followers.add(unfollow);
      return () => {
        followers.delete(unfollow);
        unfollow();
      };
    },
  };
  return { logs: counted, followers };
}
