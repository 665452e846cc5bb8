import { tracebackIn } from '../../../telemetry/level.ts';
import type { LogLine, LogQuery, Logs } from '../../../telemetry/types.ts';

/** A log line as the REST API shows it (docs/platform/rest.md#logs; labels: docs/platform/logs.md#fields). */
export interface LogItem {
  readonly timestamp: string;
  readonly level: LogLine['level'];
  readonly message: string;
  readonly app: string;
  readonly revision: string | null;
  readonly labels: { readonly [name: string]: string };
}

/** @param owner URL name of the account. */
export function logItem(line: LogLine, owner: string): LogItem {
  const labels: { [name: string]: string } = {
    fal_app_name: line.alias,
    fal_isolate_source: line.source,
    fal_user_nickname: owner,
  };
  if (line.revision !== null) labels.fal_app_id = line.revision;
  if (line.runnerId !== null) labels.fal_job_id = line.runnerId;
  if (line.requestId !== null) labels.fal_request_id = line.requestId;
  if (line.endpoint !== null) labels.fal_endpoint = line.endpoint;
  return {
    timestamp: new Date(line.at).toISOString(),
    level: line.level,
    // The SDK prints an unhandled error as one line `{"traceback": "…"}`; log APIs show the text
    // (docs/platform/runner-process.md#logs).
    message: tracebackIn(line.message) ?? line.message,
    app: `${owner}/${line.alias}`,
    revision: line.revision,
    labels,
  };
}

export interface LogPage {
  /** Newest first. */
  readonly lines: readonly LogLine[];
  /** Exclusive upper bound of the next page in milliseconds; `null`: there are no more lines. */
  readonly nextUntil: number | null;
}

const everything = 2 ** 31 - 1;

/**
 * One page backwards in time. The cursor is a time, so lines of the same millisecond are never separated: a page ends
 * before the millisecond that doesn't fit or, if a single millisecond has more lines than a page, after all of it.
 */
export async function page(
  logs: Pick<Logs, 'search'>,
  query: Omit<LogQuery, 'limit' | 'order'>,
  size: number,
): Promise<LogPage> {
  const lines = await logs.search({ ...query, order: 'newest', limit: size + 1 });
  const extra = lines[size];
  if (extra === undefined) return { lines, nextUntil: null };
  const whole = lines.filter((line) => line.at > extra.at);
  if (whole.length > 0) return { lines: whole, nextUntil: extra.at + 1 };
  const crowded = { ...query, since: extra.at, until: extra.at + 1 };
  return {
    lines: await logs.search({ ...crowded, order: 'newest', limit: everything }),
    nextUntil: extra.at,
  };
}
