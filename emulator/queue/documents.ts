import { z } from 'zod';
import { type PlatformErrorType, platformErrorStatus } from '../wire/errors.ts';
import type { RequestOptions, RequestOutcome, RequestRecord, SubmittedRequest } from './types.ts';

/**
 * The on-disk format of the queue's records, for all versions of minifal. A field that is added later needs a default
 * here.
 */

const headers = z.array(z.tuple([z.string(), z.string()]));
const count = z.number();

const record: z.ZodType<RequestRecord> = z.object({
  id: z.string(),
  alias: z.string(),
  callerId: z.string(),
  method: z.string().default('POST'),
  path: z.string(),
  phase: z.enum(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']),
  submittedAt: count,
  attemptId: z.string(),
  attempts: count,
  retried: z
    .object({ server_error: count, timeout: count, connection_error: count })
    .default({ server_error: 0, timeout: 0, connection_error: 0 }),
  startedAt: count.nullable(),
  completedAt: count.nullable(),
  runnerId: z.string().nullable(),
  cancelRequested: z.boolean().default(false),
  status: count.nullable(),
  error: z.object({ type: z.string(), detail: z.string() }).nullable(),
});

const requestOptions = {
  priority: z.enum(['normal', 'low']),
  startBy: count.nullable(),
  hint: z.string().nullable(),
  noRetry: z.boolean(),
  retries: z.object({
    server_error: count.exactOptional(),
    timeout: count.exactOptional(),
    connection_error: count.exactOptional(),
  }),
} satisfies { readonly [N in keyof RequestOptions]: z.ZodType<RequestOptions[N]> };

/**
 * A record, with the options of a waiting request that the emulator needs when it starts. They are removed when the
 * request completes, and absent in records that an earlier version of minifal wrote. Their stored name is `wishes`.
 */
export const recordDocument = z.object({
  record,
  storeIo: z.boolean(),
  wishes: z.object(requestOptions).exactOptional(),
});

/** A submitted request without its body. */
export const inputDocument: z.ZodType<Omit<SubmittedRequest, 'body'>> = z.object({
  id: z.string(),
  alias: z.string(),
  callerId: z.string(),
  method: z.string(),
  path: z.string(),
  query: z.string(),
  headers,
  ...requestOptions,
  submittedAt: count,
  storeIo: z.boolean(),
  webhook: z.string().nullable(),
});

const errorTypes = Object.keys(platformErrorStatus) as PlatformErrorType[];

/** An outcome without its body. */
export const outcomeDocument: z.ZodType<StoredOutcome> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('response'), response: z.object({ status: count, headers }) }),
  z.object({
    kind: z.literal('error'),
    error: z.object({
      kind: z.literal('platform'),
      type: z.enum(errorTypes),
      status: count,
      detail: z.string(),
      userTimeout: z.boolean(),
    }),
  }),
]);

type Stored<O> = O extends { readonly response: infer R }
  ? { readonly kind: 'response'; readonly response: Omit<R, 'body'> }
  : O;
export type StoredOutcome = Stored<RequestOutcome>;
