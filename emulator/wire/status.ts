import * as z from 'zod';
import { diskTroubleKinds } from './errors.ts';
import { isolationSchema } from './isolation.ts';
import { exceptionFactsSchema } from './log-lines.ts';

const appSchema = z.object({
  alias: z.string(),
  revision: z.string(),
  authMode: z.enum(['private', 'public', 'shared']),
  url: z.string(),
  /** Waiting requests, including direct ones. */
  queueSize: z.int(),
  /** Why the latest start of a runner failed, until a runner becomes ready; `null`: it did not fail. */
  lastFailure: z.string().nullable().default(null),
});

const runnerSchema = z.object({
  id: z.string(),
  /** For people: `runner 2` of its app. */
  number: z.int().default(0),
  alias: z.string(),
  revision: z.string(),
  state: z.string(),
  since: z.number(),
  requests: z.array(z.string()),
  endedAt: z.number().nullable(),
  endReason: z.string().nullable(),
  /** Oldest first. `/minifal/events` contains only the first and the last one. */
  transitions: z.array(z.object({ at: z.number(), state: z.string(), reason: z.string().nullable() })),
});

const waitingSchema = z.object({ requestId: z.string(), alias: z.string(), since: z.number(), why: z.string() });

const troubleFields = {
  /** A sentence while a problem keeps minifal from working as it should (a full disk); `null`: no problem. */
  trouble: z.string().nullable().default(null),
  /** The same for programs: the kind of problem, and the system's message. */
  troubleWhy: z
    .object({ kind: z.enum(diskTroubleKinds), why: z.string() })
    .nullable()
    .default(null),
};

/** The response of `GET /minifal/status`: everything that the command line and the views show at a glance. */
export const statusSchema = z.object({
  version: z.string(),
  pid: z.int(),
  startedAt: z.number(),
  /** Platform seconds per second. Instants here are real; the ages of states and `why` are in platform time (`age`). */
  timeScale: z.number(),
  owner: z.string(),
  /** `sealed`: apps that get secrets can't start, and none can be set. */
  secrets: z.enum(['open', 'sealed']).default('open'),
  isolation: isolationSchema.default({ mode: 'off', missing: [] }),
  ...troubleFields,
  apps: z.array(appSchema),
  runners: z.array(runnerSchema),
  /** Waiting requests, each with a sentence that says why. */
  waiting: z.array(waitingSchema),
});
export type Status = z.infer<typeof statusSchema>;

/** Runners that ended longer ago than this are no longer shown. */
export const endedShownMs = 60 * 60 * 1000;

/** An event `change` of `/minifal/events`: the difference from the events before it. */
export const statusChangeSchema = z.object({
  ...troubleFields,
  /** The current state of changed apps, including new ones. */
  apps: z.array(appSchema),
  /** Aliases that no longer exist. */
  goneApps: z.array(z.string()),
  runners: z.array(runnerSchema),
  /** All displayed requests that wait for one of `apps`. */
  waiting: z.array(waitingSchema),
});
export type StatusChange = z.infer<typeof statusChangeSchema>;

/** The state after a change that arrived at `now`. Pure. */
export function withChange(status: Status, change: StatusChange, now: number): Status {
  const { trouble, troubleWhy } = change;
  const gone = new Set(change.goneApps);
  const concerned = new Set([...change.goneApps, ...change.apps.map(({ alias }) => alias)]);
  const isShown = ({ endedAt }: Status['runners'][number]) => endedAt === null || endedAt >= now - endedShownMs;
  return {
    ...status,
    trouble,
    troubleWhy,
    apps: replaced(status.apps, change.apps, ({ alias }) => alias).filter(({ alias }) => !gone.has(alias)),
    runners: replaced(status.runners, change.runners, ({ id }) => id).filter(isShown),
    waiting: [...status.waiting.filter(({ alias }) => !concerned.has(alias)), ...change.waiting],
  };
}

/** Items that already exist keep their place; new ones are added at the end. */
function replaced<T>(before: readonly T[], after: readonly T[], key: (item: T) => string): T[] {
  const items = new Map(before.map((item) => [key(item), item]));
  for (const item of after) items.set(key(item), item);
  return [...items.values()];
}

/** The response of `GET /minifal/requests/ID` for a queued request. */
export const requestFactsSchema = z.object({
  requestId: z.string(),
  /** The app it was sent to. */
  alias: z.string(),
  phase: z.enum(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']),
  submittedAt: z.number(),
  completedAt: z.number().nullable(),
  /** The runner of the latest attempt. */
  runnerId: z.string().nullable(),
  attempts: z.int(),
  /** HTTP status code of the result. */
  status: z.int().nullable(),
  /** A sentence: the platform error that ended it. */
  error: z.string().nullable(),
  /** What the app's code raised in it: the latest attempt that failed so. */
  exception: exceptionFactsSchema.nullable().default(null),
  /** A sentence: why it waits. */
  why: z.string().nullable(),
});
export type RequestFacts = z.infer<typeof requestFactsSchema>;
