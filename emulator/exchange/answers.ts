import type { PlatformError } from '../wire/errors.ts';
import type { HeaderList } from './headers.ts';

/** An HTTP answer as a value: the app's, or the platform's own answer in place of it. */
export interface Answer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

export function jsonAnswer(status: number, value: unknown, headers: HeaderList = []): Answer {
  return {
    status,
    headers: [['content-type', 'application/json'], ...headers],
    body: Buffer.from(JSON.stringify(value)),
  };
}

/** The platform's error answer: `{"detail", "error_type"}` and its headers (docs/platform/gateway.md#errors). */
export function errorAnswer(error: PlatformError): Answer {
  const headers: [string, string][] = [['x-fal-error-type', error.type]];
  if (error.userTimeout) headers.push(['x-fal-request-timeout-type', 'user']);
  if (error.type === 'concurrent_requests_limit') headers.push(['x-fal-needs-retry', '1']);
  return jsonAnswer(error.status, { detail: error.detail, error_type: error.type }, headers);
}
