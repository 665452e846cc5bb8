import { z } from 'zod';
import type { EndpointStats, TracedRequest } from './types.ts';

/** Calls of an app's endpoints, since its revision came into force; of a run, since it began. */
export interface AppEndpoints {
  readonly alias: string;
  readonly revision: string;
  /** Those called last first. */
  readonly endpoints: readonly EndpointStats[];
}

/** The format on disk. */
export const appEndpoints: z.ZodType<AppEndpoints> = z.object({
  alias: z.string(),
  revision: z.string(),
  endpoints: z.array(
    z.object({
      method: z.string(),
      path: z.string(),
      calls: z.number(),
      failures: z.number(),
      durations: z.array(z.number()),
      lastFailure: z.object({ request: z.number(), message: z.string(), at: z.number().default(0) }).nullable(),
    }),
  ),
});

/** Paths may contain anything, so only so many are counted: those called last. */
const keptEndpoints = 50;
/** Calls that a median is about. */
const keptDurations = 100;
const maxMessage = 200;
/** A caller chooses the path, and an app may accept any. */
const maxPath = 500;
/** The app has no such endpoint. */
const noEndpoint = new Set([404, 405]);

/** Whether people call it failed: an error of the platform or the app, except for a caller that left. */
export function isFailed({ phase, status, error }: Pick<TracedRequest, 'phase' | 'status' | 'error'>): boolean {
  return phase === 'COMPLETED' && status !== 499 && ((status ?? 0) >= 500 || error !== null);
}

/** The counts after one more finished request of the active revision. Pure. */
export function withCall(app: AppEndpoints | undefined, revision: string, request: TracedRequest): AppEndpoints {
  const { alias, method, status, error } = request;
  const path = request.path.slice(0, maxPath);
  const before = app?.revision === revision ? app.endpoints : [];
  const known = before.find((endpoint) => endpoint.method === method && endpoint.path === path);
  // What was cancelled in the queue never reached the endpoint.
  const isCalled = !noEndpoint.has(status ?? 0) && !(status === 499 && request.startedAt === null);
  if (!isCalled) return app?.revision === revision ? app : { alias, revision, endpoints: before };
  const { calls, failures, durations, lastFailure } = known ?? empty;
  const failed = isFailed(request);
  const took = error === null ? durationOf(request) : undefined;
  const after: EndpointStats = {
    method,
    path,
    calls: calls + 1,
    failures: failures + (failed ? 1 : 0),
    durations: took === undefined ? durations : [...durations, took].slice(-keptDurations),
    lastFailure: failed ? failureOf(request) : settles(request, lastFailure) ? null : lastFailure,
  };
  const others = before.filter((endpoint) => endpoint !== known);
  return { alias, revision, endpoints: [after, ...others].slice(0, keptEndpoints) };
}

/**
 * The counts after a reload of the run that they are of, which is the same app to its developer. What failed was older
 * code. Pure.
 */
export function afterReload(run: AppEndpoints, revision: string): AppEndpoints {
  return { ...run, revision, endpoints: run.endpoints.map((endpoint) => ({ ...endpoint, lastFailure: null })) };
}

/** Whether its success says that what failed works again. */
function settles({ status, startedAt }: TracedRequest, failure: EndpointStats['lastFailure']): boolean {
  return status !== 499 && (startedAt === null || failure === null || startedAt >= failure.at);
}

function failureOf(request: TracedRequest): NonNullable<EndpointStats['lastFailure']> {
  return { request: request.number, message: messageOf(request), at: request.completedAt ?? request.submittedAt };
}

const empty = { calls: 0, failures: 0, durations: [], lastFailure: null };

/** Replaces what is known about the last failure, if it was this request. Pure. */
export function withFailure(app: AppEndpoints, request: TracedRequest): AppEndpoints {
  const isIts = ({ lastFailure }: EndpointStats) => lastFailure?.request === request.number;
  if (!app.endpoints.some(isIts)) return app;
  const lastFailure = failureOf(request);
  return { ...app, endpoints: app.endpoints.map((one) => (isIts(one) ? { ...one, lastFailure } : one)) };
}

function durationOf({ startedAt, completedAt }: TracedRequest): number | undefined {
  return startedAt === null || completedAt === null ? undefined : Math.max(0, completedAt - startedAt);
}

function messageOf({ status, error }: TracedRequest): string {
  const message = error ? words(error) : `HTTP ${status}`;
  return message.length > maxMessage ? `${message.slice(0, maxMessage - 1)}…` : message;
}

/** As Python prints it: the message of a KeyError alone is only the key. The platform's errors are sentences. */
function words({ type, message, file }: NonNullable<TracedRequest['error']>): string {
  if (file === null) return message;
  const name = type.split('.').at(-1) ?? type;
  return message === '' ? name : `${name}: ${message}`;
}

/** The median of durations; `null`: there are none. Pure. */
export function median(durations: readonly number[]): number | null {
  if (durations.length === 0) return null;
  const sorted = [...durations].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
