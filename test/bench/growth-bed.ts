import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createCatalog } from '../../emulator/catalog/catalog.ts';
import { revisionDefaults, scaleDefaults } from '../../emulator/catalog/scale-settings.ts';
import type { Engine } from '../../emulator/engines/engine.ts';
import { createFakeEngine } from '../../emulator/engines/testing/fake-engine.ts';
import { createFleet } from '../../emulator/fleet/fleet.ts';
import { testLaunch } from '../../emulator/fleet/testing/launch.ts';
import { mainMigrations } from '../../emulator/migrations.ts';
import { createQueue } from '../../emulator/queue/queue.ts';
import type { SubmittedRequest } from '../../emulator/queue/types.ts';
import type { Strategy } from '../../emulator/scheduler/events.ts';
import type { ScaleSettings } from '../../emulator/scheduler/types.ts';
import { openStore } from '../../emulator/store/open.ts';
import { createMask } from '../../emulator/telemetry/masking/mask.ts';
import { createNoteRecorder } from '../../emulator/telemetry/notes.ts';
import { testHistory } from '../../emulator/telemetry/requests/testing/history.ts';
import { createRunnerHistory } from '../../emulator/telemetry/runners.ts';

/**
 * The emulator's own rooms in this process. Only the engine is scripted: its runners are ready in the next turn of the
 * event loop.
 */
export type Rooms = ReturnType<typeof createRooms>;

const noSecrets: readonly string[] = [];

/** `answers`: whether the apps answer their requests, in the next turn. */
export function createRooms({ answers = true }: { readonly answers?: boolean } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'minifal-growth-'));
  const clock = Date.now;
  const store = openStore(join(folder, 'minifal.db'), { migrations: mainMigrations, synchronous: 'FULL' });
  const catalog = createCatalog({ store, clock, secretKey: Buffer.alloc(32, 7) });
  const queue = createQueue({ store, clock });
  const runnerHistory = createRunnerHistory({ store, clock });
  const history = testHistory(folder);
  const notes = createNoteRecorder({ history: runnerHistory, logs: { append: () => undefined } });
  const fleet = createFleet({
    seed: 'bench',
    clock,
    time: { factor: 1, start: 0 },
    engine: scriptedEngine(),
    queue,
    dataDir: folder,
    machineLimits: 'off',
    launchOf: async () => testLaunch,
    exchange: {
      perform: () =>
        new Promise((resolve) => {
          if (!answers) return;
          const response = { status: 200, headers: [], body: Buffer.from('{}') };
          setImmediate(() => resolve({ outcome: { kind: 'response', status: 200 }, response }));
        }),
      cancel: async () => undefined,
    },
    envOf: async () => ({ env: {}, secrets: [] }),
    mask: createMask(() => noSecrets),
    onLine: () => undefined,
    onException: () => undefined,
    onStep: () => undefined,
    trace: history,
    onMoved: () => undefined,
    onCreated: (runner) => notes.created(runner, 'XS'),
    onNotes: notes.record,
  });
  return {
    folder,
    store,
    catalog,
    queue,
    runnerHistory,
    requestHistory: history,
    logs: {
      follow: () => () => undefined,
      followExceptions: () => () => undefined,
      exceptionOf: () => undefined,
    },
    fleet,
    clock,
    /** Deploys an app. */
    deploy(
      name: string,
      scale: Partial<ScaleSettings> = {},
      { revision = 'r', strategy = 'recreate' }: { readonly revision?: string; readonly strategy?: Strategy } = {},
    ): void {
      const settings = { ...revisionDefaults, health: { ...revisionDefaults.health, callRegularly: false } };
      const all = { ...scaleDefaults, keepAliveSeconds: 3_600, ...scale };
      catalog.putAlias({
        name,
        environmentName: 'main',
        revision,
        authMode: 'private',
        machineTypes: ['XS'],
        validRegions: [],
        updatedAt: 0,
        scale: all,
        settings,
      });
      void fleet.deploy({ alias: name, revision, scale: all, settings, strategy }, testLaunch);
    },
    async close(): Promise<void> {
      await fleet.close();
      await queue.close();
      history.close();
      store.close();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** An engine whose runners end on request, in a later turn. */
function scriptedEngine(): Engine {
  return createFakeEngine(({ events }) => {
    setImmediate(() => {
      events.started();
      events.ready({ host: '127.0.0.1', port: 1 });
    });
    return {};
  });
}

export function requestFor(alias: string, submittedAt = Date.now()): SubmittedRequest {
  return {
    id: randomUUID(),
    alias,
    callerId: 'local|minifal',
    method: 'POST',
    path: '/',
    query: '',
    headers: [['content-type', 'application/json']],
    body: Buffer.from(JSON.stringify({ prompt: 'a prompt of the usual length, a sentence or two '.repeat(6) })),
    priority: 'normal',
    submittedAt,
    startBy: null,
    hint: null,
    noRetry: false,
    retries: {},
    storeIo: true,
    webhook: null,
  };
}

/** Resolves when this many runners of the app are ready. Call it before the app is deployed. */
export function ready({ fleet }: Rooms, runners: number): Promise<void> {
  return new Promise((resolve) => {
    let left = runners;
    const unwatch = fleet.watchRunners('app', ({ state }) => {
      if (state !== 'idle') return;
      left -= 1;
      if (left > 0) return;
      unwatch();
      resolve();
    });
  });
}

/** Submits this many requests, a thousand at a time. */
export async function submitAll({ queue }: Pick<Rooms, 'queue'>, requests: readonly SubmittedRequest[]): Promise<void> {
  for (let n = 0; n < requests.length; n += 1_000) {
    await Promise.all(requests.slice(n, n + 1_000).map((request) => queue.submit(request)));
  }
}

/** The longest time that `work` blocked the event loop: wall-clock time, and the CPU time in it. */
export async function longestBlock(work: () => unknown): Promise<{ readonly ms: number; readonly cpuMs: number }> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let cpuMs = 0;
  let last = process.threadCpuUsage();
  let over = false;
  const look = (): void => {
    const { user, system } = process.threadCpuUsage(last);
    cpuMs = Math.max(cpuMs, (user + system) / 1000);
    last = process.threadCpuUsage();
    if (!over) setTimeout(look, 0);
  };
  const sampled = async (): Promise<void> => {
    const { count } = delay;
    while (delay.count === count) await new Promise((turn) => setTimeout(turn, 1));
  };
  delay.enable();
  look();
  await sampled();
  delay.reset();
  // The first interval after a reset is meaningless.
  await sampled();
  cpuMs = 0;
  await work();
  await sampled();
  over = true;
  delay.disable();
  return { ms: delay.max / 1e6, cpuMs };
}
