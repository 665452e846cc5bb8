import type { RequestRecord } from '../../../queue/types.ts';
import type { LogLevel, LogLine } from '../../../telemetry/types.ts';
import type { FollowUpUrls } from './follow-up.ts';

/** The JSON of a queue status, with exactly the keys that the clients need. docs/platform/gateway.md#status. Pure. */
interface StatusFacts {
  readonly record: RequestRecord;
  readonly urls: FollowUpUrls;
  /** The number of requests ahead. */
  readonly position: number;
  /** `null`: not requested. */
  readonly logs: readonly LogLine[] | null;
}

type StatusBody = { readonly status: RequestRecord['phase'] } & { readonly [key: string]: unknown };

/** Only these words; the Python clients raise an error for others. */
export function statusBody({ record, urls, position, logs }: StatusFacts): StatusBody {
  const id = { request_id: record.id };
  switch (record.phase) {
    case 'IN_QUEUE':
      return { status: 'IN_QUEUE', ...id, queue_position: position, ...urls };
    case 'IN_PROGRESS':
      return { status: 'IN_PROGRESS', ...id, logs: logs === null ? null : logs.map(logEntry), ...urls };
    case 'COMPLETED':
      return {
        status: 'COMPLETED',
        ...id,
        logs: logs === null ? null : logs.map(logEntry),
        metrics: metrics(record),
        ...urls,
        ...failure(record),
      };
  }
}

/** SDK: 200 means completed, whatever the body contains. */
export function statusCode(record: RequestRecord): 200 | 202 {
  return record.phase === 'COMPLETED' ? 200 : 202;
}

/** Duration of the last attempt in seconds; computed from stored instants, so it is the same on every poll. */
function metrics({ startedAt, completedAt }: RequestRecord): { readonly inference_time?: number } {
  return startedAt === null || completedAt === null ? {} : { inference_time: (completedAt - startedAt) / 1000 };
}

/** Failed requests are COMPLETED too: these two keys, and the result URL, indicate the failure. */
function failure({ error, status }: RequestRecord): { readonly error?: string; readonly error_type?: string } {
  if (error) return { error: error.detail, error_type: error.type };
  return status !== null && status >= 400 ? { error: `Invalid status code: ${status}` } : {};
}

const levels: { readonly [L in LogLevel]: string } = {
  TRACE: 'DEBUG',
  DEBUG: 'DEBUG',
  INFO: 'INFO',
  WARNING: 'WARN',
  ERROR: 'ERROR',
  STDOUT: 'STDOUT',
  STDERR: 'STDERR',
};

function logEntry(line: LogLine): object {
  return {
    message: line.message,
    level: levels[line.level],
    source: 'USER',
    timestamp: new Date(line.at).toISOString(),
    labels: { level: levels[line.level], fal_request_id: line.requestId },
  };
}
