import type { Fleet } from '../../../fleet/types.ts';
import type { Reason } from '../../../scheduler/types.ts';
import type { TracedRequest } from '../../../telemetry/requests/types.ts';
import { startIn } from '../../../telemetry/starts/stages.ts';
import type { RunnerRecord, RunnerTransition } from '../../../telemetry/types.ts';
import type { RunnerException } from '../../../wire/log-lines.ts';
import type { StageName } from '../../../wire/runner-start.ts';
import type { RestDeps } from '../deps.ts';
import { shownState } from '../live/rows.ts';

/** All that is known about what is asked for; diagnose.ts names the cause. Instants are those of the wall clock. */
export interface Facts {
  readonly now: number;
  readonly timeScale: number;
  readonly asked: 'request' | 'runner' | 'app';
  readonly app: AppFacts;
  readonly request: RequestFacts | null;
  readonly runner: RunnerFacts | null;
}

export interface AppFacts {
  readonly alias: string;
  readonly counts: ReturnType<Fleet['counts']>;
  readonly around: ReturnType<Fleet['appCircumstances']>;
  /** Of the last runner that ended. */
  readonly lastEnd: string | null;
}

export interface RequestFacts {
  readonly traced: TracedRequest;
  /** Why it waits; `null`: it doesn't. */
  readonly reason: Reason | null;
  readonly waits: ReturnType<Fleet['waitCircumstances']>;
  readonly exception: Pick<RunnerException, 'type' | 'message'> | undefined;
}

/** A runner that a request waits for or runs on, or that was asked about. */
export interface RunnerFacts {
  readonly record: RunnerRecord;
  readonly state: string;
  readonly since: number;
  readonly transitions: readonly Pick<RunnerTransition, 'state' | 'reason'>[];
  /** Why it isn't ready. */
  readonly reason: Reason | null;
  /** How far its start is, and how long that took at the start before. */
  readonly stage: { readonly name: StageName; readonly at: number; readonly previousMs: number | null } | null;
  readonly lastLine: { readonly at: number; readonly text: string } | null;
  readonly usage: ReturnType<Fleet['usage']>;
  readonly debug: 'waiting' | 'attached' | 'paused' | null;
  readonly health: ReturnType<Fleet['health']>;
  readonly requests: number;
  readonly expiresAt: number | null;
}

export type FactRooms = Pick<
  RestDeps,
  'fleet' | 'logs' | 'runnerHistory' | 'requestHistory' | 'about' | 'clock' | 'catalog'
>;

/** About a request (id or number), a runner (id), or an app (alias). `undefined`: nothing has that name. */
export function factsFor(rooms: FactRooms, key: string): Facts | undefined {
  const { fleet, requestHistory, runnerHistory, catalog, about, clock } = rooms;
  const request = requestHistory.get(key.replace(/^#/, ''));
  const record = request ? undefined : runnerOf(runnerHistory, key);
  const alias = request?.alias ?? record?.alias ?? key;
  const asked = request !== undefined || record !== undefined;
  const counts = fleet.counts(alias);
  if (!asked && counts === undefined && catalog.alias(alias) === undefined) return undefined;
  const waiting = asked ? undefined : fleet.waiting(alias, 1)[0];
  const shown = request ?? requestHistory.live(waiting?.id ?? '');
  const reason = shown ? fleet.why(shown.id) : null;
  const around = fleet.appCircumstances(alias);
  // A request that waits may have been on a runner before.
  const on = reason === null ? shown?.runner?.id : reason.runnerId;
  const runnerId = record?.id ?? on ?? around?.rollout?.runnerId ?? around?.paused ?? undefined;
  const runner = record ?? runnerHistory.get(runnerId ?? '');
  const exception = request && rooms.logs.exceptionOf({ requestId: request.id });
  return {
    ...{ now: clock(), timeScale: about.timeScale, asked: request ? 'request' : record ? 'runner' : 'app' },
    app: { alias, counts, around, lastEnd: runnerHistory.endedOf(alias).last?.endReason ?? null },
    request: shown
      ? { traced: shown, reason, waits: fleet.waitCircumstances(shown.id), exception: exception ?? undefined }
      : null,
    runner: runner ? runnerFacts(rooms, runner) : null,
  };
}

/** By its id, or by the beginning that `minifal status` shows. */
function runnerOf(runners: FactRooms['runnerHistory'], key: string): RunnerRecord | undefined {
  const exact = runners.get(key);
  if (exact || !/^[0-9a-f]{8}/.test(key)) return exact;
  const found = runners.since(0).filter(({ id }) => id.startsWith(key));
  return found.length === 1 ? found[0] : undefined;
}

function runnerFacts({ fleet, logs, runnerHistory }: FactRooms, record: RunnerRecord): RunnerFacts {
  const { id } = record;
  const transitions = runnerHistory.transitions(id);
  const live = fleet.runner(id);
  const stage = startIn(runnerHistory, record).stages.find(({ ms }) => ms === null);
  const [line] = logs.query({ runnerId: id, limit: 1, order: 'newest' }).filter(({ source }) => source === 'USER');
  return {
    record,
    ...shownState(record, transitions.at(-1)),
    transitions,
    reason: fleet.whyRunner(id),
    stage: stage ? { name: stage.name, at: stage.at, previousMs: stage.previousMs } : null,
    lastLine: line ? { at: line.at, text: line.message } : null,
    usage: fleet.usage(id),
    debug: live?.debug?.state ?? null,
    health: fleet.health(id),
    requests: live && 'attempts' in live.state ? live.state.attempts.length : 0,
    expiresAt: fleet.expiry(id),
  };
}
