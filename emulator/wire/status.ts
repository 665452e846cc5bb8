import * as z from 'zod';
import { diskTroubleKinds } from './errors.ts';
import { isolationSchema } from './isolation.ts';

const appSchema = z.object({
  alias: z.string(),
  revision: z.string(),
  authMode: z.enum(['private', 'public', 'shared']),
  url: z.string(),
  /** Waiting requests, direct ones too. */
  queueSize: z.int(),
  /** Why the latest start of a runner failed, until one becomes ready; `null`: it did not. */
  lastFailure: z.string().nullable().default(null),
});

const runnerSchema = z.object({
  id: z.string(),
  alias: z.string(),
  revision: z.string(),
  state: z.string(),
  since: z.number(),
  requests: z.array(z.string()),
  endedAt: z.number().nullable(),
  endReason: z.string().nullable(),
  /** Oldest first. In `/minifal/events` the first and the last one alone. */
  transitions: z.array(z.object({ at: z.number(), state: z.string(), reason: z.string().nullable() })),
});

const waitingSchema = z.object({ requestId: z.string(), alias: z.string(), since: z.number(), why: z.string() });

const troubleFields = {
  /** A sentence while something keeps minifal from working as it should (a full disk); `null`: all is well. */
  trouble: z.string().nullable().default(null),
  /** The same for programs: what kind it is, and what the system said. */
  troubleWhy: z
    .object({ kind: z.enum(diskTroubleKinds), why: z.string() })
    .nullable()
    .default(null),
};

/** What `GET /minifal/status` answers: everything the command line and the panes show at a glance. */
export const statusSchema = z.object({
  version: z.string(),
  pid: z.int(),
  startedAt: z.number(),
  /**
   * Platform seconds in a second. Instants here are real; the ages of states and `why` are shown in platform time
   * (`age`).
   */
  timeScale: z.number(),
  owner: z.string(),
  /** `sealed`: apps that get secrets can't start, and none can be set. */
  secrets: z.enum(['open', 'sealed']).default('open'),
  isolation: isolationSchema.default({ mode: 'off', missing: [] }),
  ...troubleFields,
  apps: z.array(appSchema),
  runners: z.array(runnerSchema),
  /** Requests that wait, with the sentence that says why. */
  waiting: z.array(waitingSchema),
});
export type Status = z.infer<typeof statusSchema>;

/** Runners that ended longer ago than this are no longer shown. */
export const endedShownMs = 60 * 60 * 1000;

/** An event `change` of `/minifal/events`: what differs from the events before it. */
export const statusChangeSchema = z.object({
  ...troubleFields,
  /** As they are now, those that are new among them. */
  apps: z.array(appSchema),
  /** Aliases that are no more. */
  goneApps: z.array(z.string()),
  runners: z.array(runnerSchema),
  /** All that is shown of the requests that wait for one of `apps`. */
  waiting: z.array(waitingSchema),
});
export type StatusChange = z.infer<typeof statusChangeSchema>;

/** The state after a change that came at `now`. Pure. */
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

/** Each item that is there already keeps its place; new ones come last. */
function replaced<T>(before: readonly T[], after: readonly T[], key: (item: T) => string): T[] {
  const items = new Map(before.map((item) => [key(item), item]));
  for (const item of after) items.set(key(item), item);
  return [...items.values()];
}

/** What `GET /minifal/requests/ID` answers of a queued request. */
export const requestFactsSchema = z.object({
  requestId: z.string(),
  /** Of the app it was sent to. */
  alias: z.string(),
  phase: z.enum(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']),
  submittedAt: z.number(),
  completedAt: z.number().nullable(),
  /** Where the latest attempt ran. */
  runnerId: z.string().nullable(),
  attempts: z.int(),
  /** HTTP code of the result. */
  status: z.int().nullable(),
  /** A sentence: the platform's error that ended it. */
  error: z.string().nullable(),
  /** A sentence: why it waits. */
  why: z.string().nullable(),
});
export type RequestFacts = z.infer<typeof requestFactsSchema>;
