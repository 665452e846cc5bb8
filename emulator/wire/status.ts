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
  /** Oldest first. */
  transitions: z.array(z.object({ at: z.number(), state: z.string(), reason: z.string().nullable() })),
});

const waitingSchema = z.object({ requestId: z.string(), alias: z.string(), since: z.number(), why: z.string() });

export const gpuSchema = z.object({
  uuid: z.string(),
  index: z.int(),
  name: z.string(),
  /** MiB; `null`: not reported. */
  memoryMib: z.number().nullable(),
  virtual: z.boolean(),
  /** The runners that have it, and their memory on it in MiB; `null`: not known. */
  runners: z.array(z.object({ id: z.string(), memoryMib: z.number().nullable() })),
  /** The latest measurement; `null`: no runner has a GPU, so none is measured. Each value may not be reported. */
  now: z
    .object({
      memoryUsedMib: z.number().nullable(),
      /** Percent. */
      utilization: z.number().nullable(),
      powerWatts: z.number().nullable(),
      celsius: z.number().nullable(),
    })
    .nullable(),
});

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
  gpus: z.array(gpuSchema).default([]),
  ...troubleFields,
  apps: z.array(appSchema),
  runners: z.array(runnerSchema),
  /** Waiting requests, each with a sentence that says why. */
  waiting: z.array(waitingSchema),
});
export type Status = z.infer<typeof statusSchema>;

/** Runners that ended longer ago than this are no longer shown. */
export const endedShownMs = 60 * 60 * 1000;

/** One attempt of a request. */
const attemptSchema = z.object({
  number: z.int(),
  runner: z.object({ id: z.string(), number: z.int() }),
  startedAt: z.number(),
  /** `null`: it runs. */
  endedAt: z.number().nullable(),
  /** HTTP status of the app's answer; `null`: there was none. */
  status: z.int().nullable(),
  /** Why another attempt followed, or why it counted for nothing; `null`: it is the result, or it runs. */
  because: z.string().nullable(),
});

/** The response of `GET /minifal/requests/ID`, by `request_id` or number. */
export const requestFactsSchema = z.object({
  requestId: z.string(),
  /** For people: `#38`; `null`: it was forgotten, or is a workflow. */
  number: z.int().nullable().default(null),
  method: z.string().default('POST'),
  path: z.string().default('/'),
  /** How long it waited for its runner to start; `null`: the runner was there before it. */
  coldMs: z.number().nullable().default(null),
  /** Its attempts, oldest first; the first and the latest ones of very many. */
  history: z.array(attemptSchema).default([]),
  /** The app it was sent to. */
  alias: z.string(),
  /** Of a run: the alias that a deployment of its app would have; absent: it is deployed, or not known. */
  appName: z.string().optional(),
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

const bodySchema = z.object({
  contentType: z.string().nullable(),
  bytes: z.int(),
  /** `null`: it is too large to be shown. */
  base64: z.string().nullable(),
});

/** The response of `GET /minifal/requests/ID/data`: what a queued request sent and got, as far as it is stored. */
export const requestDataSchema = z.object({
  input: bodySchema.extend({ query: z.string() }).nullable(),
  output: bodySchema.extend({ status: z.int() }).nullable(),
});
export type RequestData = z.infer<typeof requestDataSchema>;
