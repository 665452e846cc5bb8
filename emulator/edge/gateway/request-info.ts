import { z } from 'zod';
import { type HeaderList, headerOf } from '../../exchange/headers.ts';
import { type PlatformError, platformError } from '../../wire/errors.ts';
import type { Route } from '../routes.ts';

/**
 * What a caller may specify about the handling of a request, validated. docs/platform/gateway.md#headers-from-callers.
 */
export interface RequestOptions {
  /** Seconds from submit to start on a runner; `null`: not specified. */
  readonly startTimeoutSeconds: number | null;
  readonly hint: string | null;
  readonly priority: 'normal' | 'low';
  readonly noRetry: boolean;
  readonly retries: { readonly server_error?: number; readonly timeout?: number; readonly connection_error?: number };
  readonly storeIo: boolean;
}

/** Digits can be matched in one way only: otherwise, a long run of them takes quadratic time. */
const decimal = /^(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;
const condition = z.object({ retries: z.int().min(0) }).transform(({ retries }) => retries);
/** The short form `"server_error": 3` and unknown names are ignored; an invalid entry doesn't affect the others. */
const retryConfig = z.object({
  server_error: condition.optional().catch(undefined),
  timeout: condition.optional().catch(undefined),
  connection_error: condition.optional().catch(undefined),
});

/** `isOwner`: only the owner of an app may set its retries; settings of others are ignored silently. */
export function readRequestOptions(headers: HeaderList, isOwner: boolean): RequestOptions | PlatformError {
  // The newer name takes precedence if both are sent (docs/platform/gateway.md#time-limits).
  const newer = headerOf(headers, 'x-fal-request-start-timeout');
  const startTimeoutSeconds = readStartTimeout(newer ?? headerOf(headers, 'x-fal-request-timeout'));
  if (startTimeoutSeconds === undefined) {
    const name = newer === undefined ? 'X-Fal-Request-Timeout' : 'X-Fal-Request-Start-Timeout';
    return platformError('bad_request', `${name} must be a number of seconds above 0.1.`);
  }
  return {
    startTimeoutSeconds,
    hint: headerOf(headers, 'x-fal-runner-hint') ?? null,
    priority: headerOf(headers, 'x-fal-queue-priority')?.trim().toLowerCase() === 'low' ? 'low' : 'normal',
    noRetry: ['1', 'true', 'yes'].includes(headerOf(headers, 'x-fal-no-retry')?.trim().toLowerCase() ?? ''),
    retries: isOwner ? readRetries(headerOf(headers, 'x-fal-retry-config')) : {},
    storeIo: headerOf(headers, 'x-fal-store-io')?.trim() !== '0',
  };
}

/**
 * The instant by which the request must start: as specified by the caller; otherwise, for the owner of the app, its
 * default (fal/app.py); otherwise none.
 */
export function startBy(
  options: Pick<RequestOptions, 'startTimeoutSeconds'>,
  { requestStartTimeoutSeconds }: Pick<Route, 'requestStartTimeoutSeconds'>,
  { isOwner }: { readonly isOwner: boolean },
  submittedAt: number,
): number | null {
  const seconds = options.startTimeoutSeconds ?? (isOwner ? requestStartTimeoutSeconds : null);
  return seconds === null ? null : submittedAt + seconds * 1000;
}

/** `undefined`: malformed. */
function readStartTimeout(text: string | undefined): number | null | undefined {
  if (text === undefined) return null;
  const seconds = decimal.test(text.trim()) ? Number(text) : Number.NaN;
  return Number.isFinite(seconds) && seconds > 0.1 ? seconds : undefined;
}

function readRetries(text: string | undefined): RequestOptions['retries'] {
  if (text === undefined) return {};
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return {};
  }
  const { server_error, timeout, connection_error } = retryConfig.catch({}).parse(json);
  return {
    ...(server_error === undefined ? {} : { server_error }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(connection_error === undefined ? {} : { connection_error }),
  };
}
