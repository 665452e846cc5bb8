import { median } from '../../../telemetry/requests/endpoints.ts';
import type { TracedRequest } from '../../../telemetry/requests/types.ts';
import type { RunnerRecord, RunnerTransition } from '../../../telemetry/types.ts';
import { auditedRun } from '../../../wire/audit-alias.ts';
import type { AppRow, Head, RequestRow, RunnerRow } from '../../../wire/live.ts';
import { headOf } from '../control/own-status.ts';
import { shownReason } from '../control/shown-reason.ts';
import type { RestDeps } from '../deps.ts';

export type LiveRooms = Pick<
  RestDeps,
  'catalog' | 'fleet' | 'runs' | 'runnerHistory' | 'requestHistory' | 'hosts' | 'about' | 'trouble' | 'followTrouble'
>;

/** Endpoints of an app that a row shows. */
const endpointsShown = 20;
const requestsOnRunner = 4;
/** Characters of a text that an app chose. All rows of an emulator must fit into what a reader accepts. */
const maxText = 1_000;
/** The state says enough: a reason would only say that a request came or went. */
const routine = new Set(['IDLE', 'RUNNING']);

export function headRow(rooms: LiveRooms, endedRunners: number): Head {
  return { ...headOf(rooms), requests: rooms.requestHistory.counts(), endedRunners };
}

/** `undefined`: the app doesn't exist, or not any more; or it only audits a run, whose row has its runner. */
export function appRow(rooms: LiveRooms, name: string): AppRow | undefined {
  if (auditedRun(name) !== undefined) return undefined;
  const { catalog, fleet, requestHistory, hosts } = rooms;
  const alias = catalog.alias(name);
  const counts = fleet.counts(name);
  const revision = alias?.revision ?? counts?.revision;
  if (revision === undefined) return undefined;
  const { queued = 0, starting = 0, ready = 0, busy = 0, others = 0 } = counts ?? {};
  const first = queued > 0 ? fleet.waiting(name, 1)[0] : undefined;
  const reason = first && fleet.why(first.id);
  return {
    alias: name,
    kind: alias ? 'deployed' : 'run',
    appName: alias ? null : shown(rooms.runnerHistory.appNameOf(name)),
    revision,
    authMode: alias?.authMode ?? null,
    url: `https://${hosts.run}/${catalog.account.nickname}/${name}`,
    counts: { queued, running: requestHistory.running(name), starting, ready, busy, others },
    ended: endedOf(rooms, name),
    reason: reason ? shownReason(rooms, reason) : null,
    lastFailure: shown(fleet.lastFailure(name)),
    endpoints: (requestHistory.endpoints(name, revision) ?? [])
      .slice(0, endpointsShown)
      .map(({ durations, ...endpoint }) => ({ ...endpoint, p50Ms: median(durations) })),
    reload: rooms.runs.get(name)?.latest() ?? null,
    scaling: rooms.runs.get(name)?.scaling() ?? null,
  };
}

function endedOf({ runnerHistory }: LiveRooms, alias: string): AppRow['ended'] {
  const { count, last } = runnerHistory.endedOf(alias);
  return { count, last: last ? { number: last.number, at: last.endedAt ?? 0, why: shown(last.endReason) } : null };
}

/** The state that a runner is shown in, and since when. `last`: its latest transition. */
export function shownState(
  { startedAt, endedAt }: Pick<RunnerRecord, 'startedAt' | 'endedAt'>,
  last: Pick<RunnerTransition, 'state' | 'at'> | undefined,
): { readonly state: string; readonly since: number } {
  const state = endedAt === null ? (last?.state ?? 'PENDING') : 'TERMINATED';
  return { state, since: endedAt ?? last?.at ?? startedAt };
}

export function runnerRow(rooms: LiveRooms, record: RunnerRecord, lastLine: string | undefined): RunnerRow {
  const { fleet, runnerHistory } = rooms;
  const { id, number, alias, revision, machineType, startedAt, endedAt, endReason } = record;
  const runner = fleet.runner(id);
  const live = runner?.state;
  const last = runnerHistory.transitions(id).at(-1);
  const { state, since } = shownState(record, last);
  const attempts = live && 'attempts' in live ? live.attempts : [];
  return {
    id,
    number,
    alias,
    ...appNameField(rooms, alias, record.appName),
    revision,
    machineType,
    state,
    since,
    until: endedAt === null ? untilOf(rooms, id) : null,
    startedAt,
    busy: attempts.length,
    requests: attempts
      .slice(0, requestsOnRunner)
      .flatMap(({ requestId }) => rooms.requestHistory.live(requestId)?.number ?? []),
    lastLine: lastLine ?? null,
    reason: endedAt === null ? (last?.waitsFor ?? null) : null,
    why: shown(endedAt !== null ? (endReason ?? last?.reason) : routine.has(state) ? null : last?.reason),
    debug: runner?.debug?.state ?? null,
    debugSince: runner?.debug?.since ?? null,
    isChanging: Boolean(runner?.swap),
    endedAt,
  };
}

/** Rows of deployed apps don't get longer by it. A runner that audits a run has the name of its app. */
export function appNameField(
  { runnerHistory }: Pick<LiveRooms, 'runnerHistory'>,
  alias: string,
  stored: string | undefined,
): { readonly appName?: string } {
  const appName = shown(runnerHistory.appNameOf(auditedRun(alias) ?? alias) ?? stored);
  return appName === null ? {} : { appName };
}

function shown(text: string | null | undefined): string | null {
  if (text === null || text === undefined) return null;
  return text.length > maxText ? `${text.slice(0, maxText - 1)}…` : text;
}

function untilOf({ fleet }: LiveRooms, id: string): number | null {
  const state = fleet.runner(id)?.state;
  if (state?.kind === 'failureDelay') return state.retryAt;
  if (state?.kind === 'terminating') return state.killAt;
  return state?.kind === 'idle' ? fleet.expiry(id) : null;
}

export function requestRow(rooms: Pick<LiveRooms, 'fleet' | 'runnerHistory'>, request: TracedRequest): RequestRow {
  const { history: _history, revision: _revision, ...row } = request;
  const waits = request.phase === 'IN_QUEUE';
  const reason = waits ? rooms.fleet.why(request.id) : null;
  return {
    ...row,
    ...appNameField(rooms, request.alias, request.appName),
    ahead: waits ? rooms.fleet.queuePosition(request.id) : null,
    reason: reason && shownReason(rooms, reason),
  };
}
