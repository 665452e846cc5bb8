import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { revisionDefaults, scaleDefaults } from '../../catalog/scale-settings.ts';
import type { AttemptResult } from '../../exchange/executor.ts';
import type { StopSignal } from '../../local/loop/stop-signal.ts';
import { mainMigrations } from '../../migrations.ts';
import { createQueue } from '../../queue/queue.ts';
import { testRequest } from '../../queue/testing/requests.ts';
import { openStore } from '../../store/open.ts';
import { testFolder } from '../../store/testing/folder.ts';
import { createMask } from '../../telemetry/masking/mask.ts';
import { testHistory } from '../../telemetry/requests/testing/history.ts';
import { UserError } from '../../wire/errors.ts';
import { createFleet } from '../fleet.ts';
import type { Launch, Lease } from '../types.ts';
import { scriptedEngine } from './engine.ts';
import { testLaunch } from './launch.ts';

/** For tests of the fleet: each test gets a new fleet with a real queue and a scripted engine. */

export const scale = { ...scaleDefaults, maxConcurrency: 1 };
export const settings = revisionDefaults;
const noSecrets: readonly string[] = [];
export let fleet: ReturnType<typeof createFleet>;
export let queue: ReturnType<typeof createQueue>;
export let store: ReturnType<typeof openStore>;
export let history: ReturnType<typeof testHistory>;
export let runners: ReturnType<typeof scriptedEngine>;
export let exchanges: {
  port: number;
  signal: StopSignal;
  answer: (value: AttemptResult) => void;
}[];
let nextExchange: (() => void) | undefined;
export let cancels: string[];
export let resolvable: Map<string, Launch>;
let reported: unknown[];

/** Settings that a test can change. */
export const fixture: {
  launching: (revision: string) => Promise<Launch>;
  /** Secrets that runners are given. */
  given: readonly string[];
  /** What runners printed, with its revision. */
  lines: string[];
  /** Makes the variables of runners unavailable. */
  sealed: boolean;
} = { launching: async () => testLaunch, given: [], lines: [], sealed: false };

beforeEach(() => {
  fixture.sealed = false;
  fixture.given = [];
  fixture.lines = [];
  fixture.launching = async (revision) => {
    const found = resolvable.get(revision);
    if (!found) throw new UserError('REVISION_UNKNOWN', `There is no revision ${revision}.`, 'Deploy it.');
    return found;
  };
  store = openStore(join(testFolder(), 'minifal.db'), { migrations: mainMigrations, synchronous: 'FULL' });
  reported = [];
  const report = (error: unknown) => void reported.push(error);
  history = testHistory(testFolder());
  queue = createQueue({ store, clock: Date.now, report });
  runners = scriptedEngine();
  exchanges = [];
  cancels = [];
  resolvable = new Map([
    ['r1', testLaunch],
    ['r2', testLaunch],
  ]);
  fleet = createFleet({
    seed: 'test',
    clock: Date.now,
    time: { factor: 1, start: 0 },
    engine: runners.engine,
    queue,
    dataDir: '/nowhere',
    machineLimits: 'off',
    launchOf: (revision) => fixture.launching(revision),
    exchange: {
      perform: (_request, _attempt, address, signal) =>
        new Promise((answer) => {
          exchanges.push({ port: address.port, signal, answer });
          nextExchange?.();
        }),
      cancel: async (address, path, id) => void cancels.push(`${address.port} ${path} ${id}`),
    },
    envOf: async () => {
      if (fixture.sealed) throw new UserError('SECRETS_SEALED', 'The secrets are sealed.', 'Open them.');
      return { env: {}, secrets: fixture.given };
    },
    mask: createMask(() => noSecrets),
    onLine: ({ revision }, { text }) => void fixture.lines.push(`${revision} ${text}`),
    onException: () => {},
    onStep: () => {},
    onMoved: () => {},
    onCreated: () => {},
    onNotes: () => {},
    trace: history,
    report,
  });
});

/** Returns and clears the reported errors. A test that expects errors must call it. */
export function takeReported(): readonly string[] {
  return reported.splice(0).map((error) => (error instanceof Error ? error.message : String(error)));
}

afterEach(async () => {
  expect(reported).toEqual([]);
  await fleet.close();
  await queue.close();
  history.close();
  store.close();
});

export const ok = { kind: 'response', status: 200 } as const;
export const response = { status: 200, headers: [], body: Buffer.from('answer') };

export function deploy(revision = 'r1', strategy: 'recreate' | 'rolling' = 'recreate') {
  return fleet.deploy({ alias: 'app', revision, scale, settings, strategy });
}

export async function submit(id: string, body: Uint8Array = Buffer.from('{}'), stored = () => {}): Promise<void> {
  const request = { ...testRequest(id), alias: 'app', path: '/predict', body };
  await queue.submit(request);
  stored();
  fleet.enqueue(facts(id, 'queued'));
}

export function facts<K extends 'queued' | 'direct'>(id: string, kind: K) {
  return {
    id,
    alias: 'app',
    kind,
    channel: kind === 'queued' ? 'queue' : 'direct',
    method: 'POST',
    path: '/predict',
    priority: 'normal',
    submittedAt: Date.now(),
    startBy: null,
    hint: null,
    noRetry: false,
    retries: {},
    attempts: 0,
  } as const;
}

export function exchange(index: number) {
  return new Promise<(typeof exchanges)[number]>((resolve) => {
    const look = () => {
      const found = exchanges[index];
      if (found) resolve(found);
    };
    nextExchange = look;
    look();
  });
}

export function completed(id: string): Promise<void> {
  return new Promise((resolve) => {
    if (queue.record(id)?.phase === 'COMPLETED') return resolve();
    queue.onChange(id, (record) => record.phase === 'COMPLETED' && resolve());
  });
}

export function direct(id: string, gone = new AbortController().signal) {
  return fleet.lease(facts(id, 'direct'), gone);
}

export function isLease(value: Awaited<ReturnType<typeof direct>>): value is Lease {
  return 'address' in value;
}
