import { contain, type Report, throwLater } from '../../local/loop/contain.ts';
import { later } from '../../local/loop/timers.ts';
import { type AppEndpoints, afterReload, withCall, withFailure } from './endpoints.ts';
import { createLastMinute } from './last-minute.ts';
import { createLiveRequests } from './live.ts';
import { createPageReader } from './page-reader.ts';
import type { HistoryRecords } from './records.ts';
import type { RequestAttempt, RequestHistory, TracedRequest } from './types.ts';
import { createHistoryWriter } from './writer.ts';

export interface RequestHistoryOptions {
  readonly records: HistoryRecords;
  /** The revision that calls of the alias go to. */
  readonly activeRevision: (alias: string) => string | undefined;
  /** The number of a runner, for people. */
  readonly runnerNumber: (runnerId: string) => number;
  /** The name that `fal` has for the app of a run. */
  readonly appNameOf: (alias: string) => string | undefined;
  /** How long finished requests are kept. */
  readonly retentionMs: number;
  /** How many requests are kept; default: 100,000. */
  readonly kept?: number;
  /** Receives errors of listeners, and of writes that failed for a reason other than the disk. */
  readonly report?: Report;
}

const defaultKept = 100_000;
const dropAtOnce = 500;
const maxMessage = 1_000;
/** Above this number of apps, those of a `fal run` are forgotten: their names never come back. */
const keptApps = 500;
/** Attempts of a request that are kept: there are ten at most, unless restarts cut them off. */
const keptFirst = 2;
const keptLast = 20;

/**
 * Every request as people see it: what waits and runs in memory, what has ended on disk, and the counts per endpoint.
 * Changes are visible at once and on disk within a fraction of a second; a request that ends within that time is
 * written once. A crash costs that fraction of a second. Trouble with the disk costs history, never a request.
 */
export function createRequestHistory(options: RequestHistoryOptions): RequestHistory {
  const {
    records,
    activeRevision,
    runnerNumber,
    appNameOf,
    retentionMs,
    kept = defaultKept,
    report = throwLater,
  } = options;
  const requests = createLiveRequests(records.lastFinished);
  const apps = new Map(records.endpoints().map((app) => [app.alias, app]));
  /** Requests that were open when the last emulator ended. */
  const earlier = new Map(records.open().map((request) => [request.id, request]));
  const writer = createHistoryWriter({ records, appOf: (alias) => apps.get(alias), later, report });
  const reader = createPageReader(records.file, writer.flush);
  const lastMinute = createLastMinute();
  const listeners = new Set<(alias: string) => void>();
  /** Statuses of responses about which nothing was decided yet. */
  const answers = new Map<string, number>();
  /** The revisions of reloaded runs, the one reloaded last at the end. */
  const reloads = new Map<string, string>();
  let finished = records.finished();
  let last = Math.max(records.lastNumber(), 0);
  let closed = false;

  function put(request: TracedRequest): void {
    requests.put(request);
    // A waiting request is in the queue's own records, and there may be very many.
    if (request.attempts > 0 || request.phase === 'COMPLETED') writer.changed(request);
    for (const listener of listeners) listener(request.alias);
  }

  function answerOf(id: string): number | null {
    const status = answers.get(id) ?? null;
    answers.delete(id);
    return status;
  }

  const isRun = ({ alias, revision }: AppEndpoints): boolean => revision === alias || reloads.has(alias);

  function setApp(app: AppEndpoints): void {
    apps.set(app.alias, app);
    if (!isRun(app)) writer.appChanged(app.alias);
    for (const [alias, known] of apps) {
      if (apps.size <= keptApps) break;
      if (isRun(known)) apps.delete(alias);
    }
  }

  function count(request: TracedRequest): void {
    const { alias, kind, revision } = request;
    // The name of a `fal run` is its revision, too, until its app is reloaded.
    const active = activeRevision(alias) ?? reloads.get(alias) ?? (revision === alias ? alias : undefined);
    if (kind === 'function' || active === undefined || (revision !== null && revision !== active)) return;
    setApp(withCall(apps.get(alias), active, request));
  }

  function finish(request: TracedRequest): void {
    finished++;
    put(request);
    count(request);
    if (request.kind !== 'function' && request.completedAt !== null) lastMinute.completed(request.completedAt, request);
  }

  return {
    arrived({ attempts, ...request }) {
      const before = earlier.get(request.id);
      earlier.delete(request.id);
      if (requests.live(request.id)) return;
      last = Math.max(last, request.number);
      // Those of earlier emulators were counted by them.
      if (!before && request.kind !== 'function') lastMinute.received(request.submittedAt, request);
      const { runner, revision, coldMs, startedAt, history } = before ?? untouched;
      const appName = appNameOf(request.alias) ?? before?.appName;
      put({
        ...request,
        ...(appName === undefined ? {} : { appName }),
        phase: 'IN_QUEUE',
        startedAt,
        completedAt: null,
        attempts,
        runner,
        revision,
        coldMs,
        status: null,
        error: null,
        history: history.map((attempt) => (attempt.endedAt === null ? cutOff(attempt) : attempt)),
      });
    },
    began(id, { runnerId, revision, readyAt, at }) {
      const request = requests.live(id);
      if (!request) return;
      const number = request.attempts + 1;
      const runner = { id: runnerId, number: runnerNumber(runnerId) };
      const attempt = { number, runner, startedAt: at, endedAt: null, status: null, because: null };
      const coldMs = readyAt === undefined || number > 1 ? 0 : readyAt - request.submittedAt;
      // Behind other requests it waited for the queue, even if that began before the runner was ready.
      const isCold = coldMs > 0 && at - request.submittedAt < 2 * coldMs;
      put({
        ...request,
        phase: 'IN_PROGRESS',
        startedAt: at,
        attempts: number,
        runner,
        revision,
        coldMs: isCold ? coldMs : request.coldMs,
        // What an earlier attempt raised isn't the result of this one.
        error: null,
        history: bounded([...request.history, attempt]),
      });
    },
    workflowBegan(id, at) {
      const request = requests.live(id);
      if (request) put({ ...request, phase: 'IN_PROGRESS', startedAt: at, attempts: 1 });
    },
    answered(id, status) {
      if (requests.live(id)) answers.set(id, status);
    },
    requeued(id, at, because) {
      const request = requests.live(id);
      if (!request) return;
      // An attempt that was cut off with the emulator has its reason, and nobody saw when it ended.
      const { phase, history: before } = request;
      const end = { endedAt: at, status: answerOf(id), because };
      const history = phase === 'IN_PROGRESS' ? withLast(before, end) : before;
      put({ ...request, phase: 'IN_QUEUE', history });
    },
    ended(id, at, error) {
      const request = requests.live(id);
      if (!request) return;
      const isRunning = request.phase === 'IN_PROGRESS';
      const status = answerOf(id);
      const own = { endedAt: at, status, because: error ? error.detail : null };
      finish({
        ...request,
        phase: 'COMPLETED',
        completedAt: at,
        status: error ? error.status : status,
        error: error ? { type: error.type, message: error.detail, file: null, line: null } : request.error,
        history: isRunning ? withLast(request.history, own) : request.history,
      });
    },
    raised(id, runnerId, error) {
      const request = requests.get(id);
      if (!request) return true;
      if (!request.history.some(({ runner }) => runner.id === runnerId)) return false;
      if (request.runner?.id !== runnerId) return true;
      // A platform error says more about the end of the request than what the app raised meanwhile.
      if (request.error !== null && request.phase === 'COMPLETED' && request.error.file === null) return true;
      // The recorder of exceptions limits a message, too; but here, many are in memory.
      const raised = { ...request, error: { ...error, message: error.message.slice(0, maxMessage) } };
      put(raised);
      const app = apps.get(request.alias);
      if (app && request.phase === 'COMPLETED') setApp(withFailure(app, raised));
      return true;
    },
    get(key) {
      return requests.get(key) ?? records.get(key);
    },
    live: requests.live,
    page: async (query, signal) => requests.merged(await reader.page(query, signal), query),
    recent: requests.recent,
    counts: () => ({ ...requests.counts(), finished }),
    running: requests.running,
    lastMinute: lastMinute.read,
    endpoints(alias, revision) {
      const app = apps.get(alias);
      return app?.revision === revision ? app.endpoints : undefined;
    },
    reloaded(alias, revision) {
      const run = apps.get(alias);
      reloads.delete(alias);
      reloads.set(alias, revision);
      if (run) setApp(afterReload(run, revision));
      for (const oldest of reloads.keys()) if (reloads.size > keptApps) reloads.delete(oldest);
    },
    follow(listener) {
      const contained = contain(report, listener);
      listeners.add(contained);
      return () => void listeners.delete(contained);
    },
    lastNumber: () => last,
    concludeRecovery(endOf) {
      for (const request of earlier.values()) {
        const end = endOf(request.id) ?? { completedAt: null, status: null, error: emulatorEnded };
        const history = request.history.map((one) => (one.endedAt === null ? cutOff(one) : one));
        finished++;
        put({ ...request, ...end, completedAt: end.completedAt ?? request.startedAt, phase: 'COMPLETED', history });
      }
      earlier.clear();
    },
    async prune(now) {
      writer.flush();
      const limits = { before: now - retentionMs, belowNumber: last - kept };
      for (let dropped = dropAtOnce; dropped === dropAtOnce && !closed; ) {
        dropped = records.dropOldest(limits, dropAtOnce);
        finished -= dropped;
        await new Promise((resolve) => setImmediate(resolve));
      }
      for (const alias of apps.keys()) {
        if (apps.get(alias)?.revision === alias || activeRevision(alias) !== undefined) continue;
        apps.delete(alias);
        records.dropEndpoints(alias);
      }
    },
    close() {
      closed = true;
      for (const request of requests.open()) if (request.attempts > 0) writer.changed(request);
      writer.close();
      void reader.close();
      records.close();
    },
  };
}

const untouched = { runner: null, revision: null, coldMs: null, startedAt: null, history: [] } as const;

const emulatorEnded = { type: 'emulator_ended', message: 'The emulator ended.', file: null, line: null } as const;

function cutOff(attempt: RequestAttempt): RequestAttempt {
  return { ...attempt, because: emulatorEnded.message };
}

function withLast(history: readonly RequestAttempt[], end: Partial<RequestAttempt>): readonly RequestAttempt[] {
  const last = history.at(-1);
  return last ? [...history.slice(0, -1), { ...last, ...end }] : history;
}

function bounded(history: readonly RequestAttempt[]): readonly RequestAttempt[] {
  if (history.length <= keptFirst + keptLast) return history;
  return [...history.slice(0, keptFirst), ...history.slice(-keptLast)];
}
