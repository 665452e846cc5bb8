import * as z from 'zod';
import { diskTroubleKinds } from './errors.ts';
import { isolationSchema } from './isolation.ts';
import { exceptionSchema } from './log-lines.ts';
import { reasonSchema } from './reasons.ts';
import { reloadSchema } from './reload.ts';
import { runnerDebugStates } from './runner-debug.ts';
import { gpuSchema } from './status.ts';

/**
 * The live state of an emulator, as `GET /minifal/events` streams it, and the pages of what is older. Used by the edge
 * and by every client; nothing here needs Node, so a page in a browser can use it, too.
 *
 * Server-sent events; data is JSON:
 *
 * - `event: state`: forget what you know; this is the state. Bounded, so it may be only the first part of it.
 * - `event: change`: rows that are new or differ, and keys of rows that are gone.
 * - `id:` is a cursor, `<epoch>.<number>`. Connect with `?cursor=` of the last id that you saw (or `Last-Event-ID`) and
 *   you get what changed since, once, whether that was a second ago or an hour. An event without an id is followed by
 *   more of the same kind: the cursor moves only when all parts have arrived. Another epoch (the emulator was
 *   restarted) or a cursor that is too old begins with `state`.
 *
 * A row is sent whole, because it is small: a client never has to merge fields. Between two events a row may have
 * changed many times; only its last state is sent. At most ten events a second are sent, and at most a few rows of
 * requests in each, the newest first; so rows show what a person can follow, and `counts` and `endpoints` the rest.
 *
 * All instants are milliseconds since the epoch of the wall clock, however fast platform time runs. Nothing counts
 * seconds: a view computes ages and countdowns from instants, so time alone never changes a row.
 */

/**
 * An app's answers to calls, as far as the app's own endpoints are concerned, since its revision came into force; of a
 * run, since it began.
 */
const endpointSchema = z.object({
  method: z.string(),
  /** `/` for the main endpoint. */
  path: z.string(),
  /** Finished calls: answered, failed, or cancelled on a runner. */
  calls: z.int(),
  /** Those among them that failed: the platform's error, or a status of 500 or more. */
  failures: z.int(),
  /** Median of the time on the runner over the last calls that the app answered; `null`: there were none. */
  p50Ms: z.number().nullable(),
  /** The last call that failed; `null` when one that began later succeeded. */
  lastFailure: z.object({ request: z.int(), message: z.string() }).nullable(),
});

const appRowSchema = z.object({
  /** The key. */
  alias: z.string(),
  /** `run`: lives as long as its `fal run`, and its alias is a UUID; or a deleted app whose runners are ending. */
  kind: z.enum(['deployed', 'run']),
  /** A run's: the alias that a deployment of the app would have. `null`: it is deployed, or `fal` didn't say. */
  appName: z.string().nullable().default(null),
  revision: z.string(),
  /** `null`: a `fal run`, whose own command line says it. */
  authMode: z.enum(['private', 'public', 'shared']).nullable(),
  url: z.string(),
  counts: z.object({
    /** Requests that wait, direct ones included. */
    queued: z.int(),
    /** Requests on runners. */
    running: z.int(),
    /** Runners before they are ready. */
    starting: z.int(),
    /** Runners that are ready (IDLE, RUNNING), and those among them that have a request. */
    ready: z.int(),
    busy: z.int(),
    /** Runners that are leaving, or wait after a failed start. */
    others: z.int(),
  }),
  /** Runners that ended and can still be paged, and the last of them. */
  ended: z.object({
    count: z.int(),
    last: z.object({ number: z.int(), at: z.number(), why: z.string().nullable() }).nullable(),
  }),
  /** Why the first waiting request waits; `null`: none waits. */
  reason: reasonSchema.nullable(),
  /** Why the latest start of a runner failed, until one becomes ready; `null`: it did not fail. */
  lastFailure: z.string().nullable(),
  /** The last reload of a run; `null`: there was none. */
  reload: reloadSchema.nullable().default(null),
  /** Those with the most recent calls first; at most `endpointsShown`. */
  endpoints: z.array(endpointSchema),
  /** Of a run: whether one runner stays, or it scales as if it were deployed; `null`: a deployed app. */
  scaling: z.enum(['pinned', 'faithful']).nullable().default(null),
});
export type AppRow = z.infer<typeof appRowSchema>;

const runnerRowSchema = z.object({
  /** The key. */
  id: z.string(),
  /** For people: `runner 2` of its app. Runners are numbered as they start, and no number is used again. */
  number: z.int(),
  alias: z.string(),
  /** As of an app, for people; absent: the same as there, or unknown. */
  appName: z.string().optional(),
  revision: z.string(),
  machineType: z.string(),
  /** The platform's name: PENDING, SETUP, IDLE … */
  state: z.string(),
  since: z.number(),
  /** When the state ends by itself (the end of keep_alive, the next start after failed ones); `null`: it doesn't. */
  until: z.number().nullable(),
  startedAt: z.number(),
  /** Requests on it, and the numbers of the first few of them. */
  busy: z.int(),
  requests: z.array(z.int()),
  /** The last line that it wrote while it starts; `null` otherwise. */
  lastLine: z.string().nullable(),
  /** Why it is in this state, as a sentence; `null`: nothing to add. */
  why: z.string().nullable(),
  /** The same as data, in FAILURE_DELAY; `null` in other states. */
  reason: reasonSchema.nullable().default(null),
  /** `null`: no debugger has to do with it. */
  debug: z.enum(runnerDebugStates).nullable().default(null),
  /** Since when that is so. */
  debugSince: z.number().nullable().default(null),
  /** Its code is being changed. While a debugger has stopped it, that waits. */
  isChanging: z.boolean().default(false),
  /** `null`: it lives. */
  endedAt: z.number().nullable(),
});
export type RunnerRow = z.infer<typeof runnerRowSchema>;

/** `function`: the call of a plain function by `fal run`. `socket`: a websocket, for its whole life. */
const requestKindSchema = z.enum(['queue', 'direct', 'socket', 'function']);

const requestRowSchema = z.object({
  /** The key, and the name for people: `#38`. Numbers grow with each request of the data folder. */
  number: z.int(),
  /** `request_id` of the platform. */
  id: z.string(),
  alias: z.string(),
  /** As of a runner. */
  appName: z.string().optional(),
  kind: requestKindSchema,
  method: z.string(),
  /** Path in the app, with its leading slash. */
  path: z.string(),
  phase: z.enum(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']),
  submittedAt: z.number(),
  /** Start of the latest attempt. */
  startedAt: z.number().nullable(),
  completedAt: z.number().nullable(),
  attempts: z.int(),
  /** Of the latest attempt. */
  runner: z.object({ id: z.string(), number: z.int() }).nullable(),
  /** How long it waited for a start of that runner; `null`: the runner was there before it. */
  coldMs: z.number().nullable(),
  /** HTTP status of the answer; `null`: not completed, or there was none. */
  status: z.int().nullable(),
  /** What failed; `null`: nothing, as far as is known. `type`: the platform's error, or the app's exception. */
  error: z
    .object({
      type: z.string(),
      message: z.string(),
      /** Where the app raised it. */
      file: z.string().nullable(),
      line: z.int().nullable(),
    })
    .nullable(),
  /** IN_QUEUE: requests of its app that are dispatched earlier. */
  ahead: z.int().nullable(),
  /** IN_QUEUE: why it waits. */
  reason: reasonSchema.nullable(),
});
export type RequestRow = z.infer<typeof requestRowSchema>;

/** The last exception of an endpoint, of a start or of a requirement, until what raised it succeeds. */
const exceptionRowSchema = z.object({
  key: z.string(),
  /** '': a build that was not for an app yet. */
  alias: z.string(),
  revision: z.string().nullable(),
  at: z.number(),
  request: z
    .object({ number: z.int(), id: z.string(), kind: requestKindSchema, method: z.string(), path: z.string() })
    .nullable(),
  runner: z.object({ id: z.string(), number: z.int(), startedAt: z.number() }).nullable(),
  /** With the innermost frames of the app's own code. */
  exception: exceptionSchema,
});
export type ExceptionRow = z.infer<typeof exceptionRowSchema>;

/** What exists once. */
const headSchema = z.object({
  version: z.string(),
  pid: z.int(),
  startedAt: z.number(),
  /** Platform seconds per second. */
  timeScale: z.number(),
  owner: z.string(),
  /** `sealed`: apps that get secrets can't start, and none can be set. */
  secrets: z.enum(['open', 'sealed']),
  isolation: isolationSchema,
  /** A sentence while a problem keeps minifal from working as it should (a full disk); `null`: no problem. */
  trouble: z.string().nullable(),
  /** The same for programs: the kind of problem, and the system's message. */
  troubleWhy: z.object({ kind: z.enum(diskTroubleKinds), why: z.string() }).nullable(),
  /** Measurements are those of the last change of anything else. */
  gpus: z.array(gpuSchema).default([]),
  /** Requests of all apps. `finished`: those that can still be paged. */
  requests: z.object({ waiting: z.int(), running: z.int(), finished: z.int() }),
  /** Ended runners that can still be paged. */
  endedRunners: z.int(),
});
export type Head = z.infer<typeof headSchema>;

const rows = {
  apps: z.array(appRowSchema).default([]),
  /** Those that live, and the last few that ended. */
  runners: z.array(runnerRowSchema).default([]),
  /** The newest of those that wait, run, and are finished. */
  requests: z.array(requestRowSchema).default([]),
  /** Those of the last few apps, starts and endpoints that fail now. */
  exceptions: z.array(exceptionRowSchema).default([]),
};

export const stateEventSchema = z.object({ head: headSchema, ...rows });

export const changeEventSchema = z.object({
  /** Present if it differs. */
  head: headSchema.optional(),
  ...rows,
  /** Keys of rows that are gone: deleted, or no longer among those that the stream shows. */
  cleared: z
    .object({
      apps: z.array(z.string()).default([]),
      runners: z.array(z.string()).default([]),
      requests: z.array(z.int()).default([]),
      exceptions: z.array(z.string()).default([]),
    })
    .prefault({}),
  /** When a client resumes: numbers of the requests that the stream still shows; rows of all others are gone. */
  onlyRequests: z.array(z.int()).optional(),
});
export type LiveChange = z.infer<typeof changeEventSchema>;

/** What a client knows. Maps are in the order in which the rows first came. */
export interface LiveState {
  readonly head: Head;
  readonly apps: ReadonlyMap<string, AppRow>;
  readonly runners: ReadonlyMap<string, RunnerRow>;
  readonly requests: ReadonlyMap<number, RequestRow>;
  readonly exceptions: ReadonlyMap<string, ExceptionRow>;
}

/** The state of an event `state`. Pure. */
export function liveState({ head, apps, runners, requests, exceptions }: z.infer<typeof stateEventSchema>): LiveState {
  return {
    head,
    apps: new Map(apps.map((row) => [row.alias, row])),
    runners: new Map(runners.map((row) => [row.id, row])),
    requests: new Map(requests.map((row) => [row.number, row])),
    exceptions: new Map(exceptions.map((row) => [row.key, row])),
  };
}

/** The state after an event `change`. Pure; a part without a change stays the same object. */
export function withLiveChange(state: LiveState, change: LiveChange): LiveState {
  const { head, apps, runners, requests, exceptions, cleared, onlyRequests } = change;
  const only = onlyRequests && new Set(onlyRequests);
  const goneRequests = only ? [...state.requests.keys()].filter((number) => !only.has(number)) : cleared.requests;
  return {
    head: head ?? state.head,
    apps: changed(state.apps, apps, ({ alias }) => alias, cleared.apps),
    runners: changed(state.runners, runners, ({ id }) => id, cleared.runners),
    requests: changed(state.requests, requests, ({ number }) => number, goneRequests),
    exceptions: changed(state.exceptions, exceptions, ({ key }) => key, cleared.exceptions),
  };
}

function changed<K, R>(
  before: ReadonlyMap<K, R>,
  rows: readonly R[],
  keyOf: (row: R) => K,
  gone: readonly K[],
): ReadonlyMap<K, R> {
  if (rows.length === 0 && gone.length === 0) return before;
  const after = new Map(before);
  for (const key of gone) after.delete(key);
  for (const row of rows) after.set(keyOf(row), row);
  return after;
}

/** `GET /minifal/requests?before=&alias=&state=&text=`: newest first. */
export const requestPageSchema = z.object({
  requests: z.array(requestRowSchema),
  /** `before` of the next page; `null`: this is the last one. */
  before: z.int().nullable(),
});
export type RequestPage = z.infer<typeof requestPageSchema>;

/** `GET /minifal/runners?alias=&before=`: runners that ended, the latest end first. */
export const runnerPageSchema = z.object({
  runners: z.array(runnerRowSchema),
  /** `before` of the next page; `null`: this is the last one. */
  before: z.string().nullable(),
});
export type RunnerPage = z.infer<typeof runnerPageSchema>;

/** `GET /minifal/runners/ID`. */
export const runnerDetailSchema = runnerRowSchema.extend({
  /** Oldest first; the first and the latest ones of very many. */
  transitions: z.array(z.object({ at: z.number(), state: z.string(), reason: z.string().nullable() })),
});
export type RunnerDetail = z.infer<typeof runnerDetailSchema>;
