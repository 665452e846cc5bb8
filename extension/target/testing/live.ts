import type { AppRow, ExceptionRow, LiveState, RequestRow, RunnerRow } from '../live.ts';

/** Rows for tests: everything that a test isn't about is quiet. */
export function appRow(change: Partial<AppRow> & { readonly queued?: number } = {}): AppRow {
  const { queued = 0, ...fields } = change;
  return {
    alias: 'hello',
    kind: 'deployed',
    appName: null,
    revision: 'r',
    authMode: 'private',
    url: 'https://localhost:1/local/hello',
    counts: { queued, running: 0, starting: 0, ready: 0, busy: 0, others: 0 },
    ended: { count: 0, last: null },
    reason: null,
    lastFailure: null,
    reload: null,
    endpoints: [],
    scaling: null,
    ...fields,
  };
}

export function runnerRow(change: Partial<RunnerRow> = {}): RunnerRow {
  return {
    id: 'abcdefgh-1234',
    number: 1,
    alias: 'hello',
    revision: 'r',
    machineType: 'XS',
    state: 'IDLE',
    since: 0,
    until: null,
    startedAt: 0,
    busy: 0,
    requests: [],
    lastLine: null,
    why: null,
    reason: null,
    debug: null,
    debugSince: null,
    isChanging: false,
    endedAt: null,
    ...change,
  };
}

export function requestRow(change: Partial<RequestRow> = {}): RequestRow {
  return {
    number: 1,
    id: 'q-1',
    alias: 'hello',
    kind: 'queue',
    method: 'POST',
    path: '/',
    phase: 'COMPLETED',
    submittedAt: 0,
    startedAt: 0,
    completedAt: 0,
    attempts: 1,
    runner: null,
    coldMs: null,
    status: 200,
    error: null,
    ahead: null,
    reason: null,
    ...change,
  };
}

export function liveWith({
  apps = [],
  runners = [],
  requests = [],
  exceptions = [],
  ...head
}: {
  readonly apps?: readonly AppRow[];
  readonly runners?: readonly RunnerRow[];
  readonly requests?: readonly RequestRow[];
  readonly exceptions?: readonly ExceptionRow[];
} & Partial<Omit<LiveState['head'], 'requests'>> = {}): LiveState {
  return {
    head: {
      version: '1',
      pid: 1,
      startedAt: 0,
      timeScale: 1,
      owner: 'local',
      secrets: 'open',
      isolation: { mode: 'off', missing: [] },
      trouble: null,
      troubleWhy: null,
      gpus: [],
      requests: { waiting: 0, running: 0, finished: 0 },
      endedRunners: 0,
      ...head,
    },
    apps: new Map(apps.map((row) => [row.alias, row])),
    runners: new Map(runners.map((row) => [row.id, row])),
    requests: new Map(requests.map((row) => [row.number, row])),
    exceptions: new Map(exceptions.map((row) => [row.key, row])),
  };
}
