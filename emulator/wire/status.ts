import * as z from 'zod';
import { diskTroubleKinds } from './disk-trouble.ts';

/** What `GET /minifal/status` answers: everything the command line and the panes show at a glance. */
export const statusSchema = z.object({
  version: z.string(),
  pid: z.int(),
  startedAt: z.number(),
  /** Platform seconds in a second. Instants here are real; the ages of states and `why` are shown in platform time (`age`). */
  timeScale: z.number(),
  owner: z.string(),
  /** `sealed`: apps that get secrets can't start, and none can be set. */
  secrets: z.enum(['open', 'sealed']).default('open'),
  /** A sentence while something keeps minifal from working as it should (a full disk); `null`: all is well. */
  trouble: z.string().nullable().default(null),
  /** The same for programs: what kind it is, and what the system said. */
  troubleWhy: z
    .object({ kind: z.enum(diskTroubleKinds), why: z.string() })
    .nullable()
    .default(null),
  apps: z.array(
    z.object({
      alias: z.string(),
      revision: z.string(),
      authMode: z.enum(['private', 'public', 'shared']),
      url: z.string(),
      queueSize: z.int(),
    }),
  ),
  runners: z.array(
    z.object({
      id: z.string(),
      alias: z.string(),
      revision: z.string(),
      state: z.string(),
      since: z.number(),
      requests: z.array(z.string()),
      endedAt: z.number().nullable(),
      endReason: z.string().nullable(),
      transitions: z.array(z.object({ at: z.number(), state: z.string(), reason: z.string().nullable() })),
    }),
  ),
  /** Requests that wait, with the sentence that says why. */
  waiting: z.array(z.object({ requestId: z.string(), alias: z.string(), since: z.number(), why: z.string() })),
});
export type Status = z.infer<typeof statusSchema>;

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
