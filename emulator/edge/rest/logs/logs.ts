import { json, Router } from 'express';
import type { LogLine, LogQuery } from '../../../telemetry/types.ts';
import { openEventStream } from '../../event-stream.ts';
import type { RestDeps } from '../deps.ts';
import { HttpError } from '../http-error.ts';
import { type LabelFilter, type LogsQuery, logsBody, logsQuery, runnerLogsQuery } from '../schemas.ts';
import { logItem, page } from './log-views.ts';

/** The number of past lines in a stream; clients that need all of them read the history. */
const maxPastLines = 10_000;

/** The start and end of a runner, and logs in three forms (docs/platform/rest.md#applications, #logs). */
export function logs({
  catalog,
  fleet,
  logs,
  runnerHistory,
}: Pick<RestDeps, 'catalog' | 'fleet' | 'logs' | 'runnerHistory'>): Router {
  const owner = catalog.account.nickname;
  const item = (line: LogLine) => logItem(line, owner);
  const router = Router();

  router.get('/runners/:id', ({ params }, response) => {
    const record = runnerHistory.get(params.id);
    const runner = fleet.runner(params.id);
    if (record === undefined && runner === undefined) throw new HttpError(404, `Runner ${params.id} not found.`);
    response.json({
      started_at: isoOrNull(record?.startedAt ?? runner?.createdAt ?? null),
      ended_at: isoOrNull(record?.endedAt ?? null),
    });
  });

  router.post('/logs/history', async ({ query }, response) => {
    const { page_size: size, ...asked } = runnerLogsQuery.parse(query);
    const { lines, nextUntil } = await page(logs, runnerQuery(asked), size);
    response.json({ items: lines.map(item), next_until: isoOrNull(nextUntil) });
  });

  router.post('/logs/stream', async ({ query }, response) => {
    const asked = runnerQuery(runnerLogsQuery.parse(query));
    const stream = openEventStream(response);
    const { since: _since, until, ...filter } = asked;
    // Subscribed before the history is read, so that no line is missed in between.
    let pending: LogLine[] | undefined = [];
    const follower = (line: LogLine): void => {
      if (!pending) stream.send(item(line));
      // A reader that reads the history this slowly is cut off, as it would be later (slow-reader.ts).
      else if (pending.push(line) > 2 * maxPastLines) response.destroy();
    };
    stream.onClose(logs.follow(filter, follower));
    const past = await logs.search({ ...asked, order: 'newest', limit: maxPastLines });
    const known = new Set(past.map(({ seq }) => seq));
    pending = [...past.toReversed(), ...pending.filter(({ seq }) => !known.has(seq))];
    // The whole history is sent at once: a reader that keeps up must not be mistaken for a slow one.
    for (let next = pending.shift(); next && !response.destroyed; next = pending.shift()) {
      stream.send(item(next));
      await stream.keepsUp();
    }
    pending = undefined;
    if (until !== undefined) stream.closeAt(until);
  });

  const list = async (asked: LogsQuery, filters: readonly LabelFilter[]) =>
    (await logs.search({ ...listQuery(asked, filters), limit: asked.limit, order: 'newest' })).map(item);
  router.get('/logs/', async ({ query }, response) => {
    response.json(await list(logsQuery.parse(query), []));
  });
  router.post('/logs/', json({ limit: '1mb' }), async ({ query, body }, response) => {
    const { extra_filters: filters } = logsBody.parse(body ?? {});
    response.json(await list(logsQuery.parse(query), filters ?? []));
  });

  return router;
}

type Filter = Omit<LogQuery, 'limit' | 'order'>;

function runnerQuery(asked: {
  job_id: string;
  search?: string | undefined;
  since?: number | undefined;
  until?: number | undefined;
}): Filter {
  return given({ runnerId: asked.job_id, search: asked.search, since: asked.since, until: asked.until });
}

function listQuery(asked: LogsQuery, filters: readonly LabelFilter[]): Filter {
  const label = (...keys: readonly string[]) => filters.find(({ key }) => keys.includes(key))?.value;
  return given({
    alias: asked.app_id?.split('/').at(-1) ?? label('fal_app_name', 'app'),
    revision: asked.revision ?? label('fal_app_id', 'app_id'),
    runnerId: asked.job_id ?? label('fal_job_id', 'job_id'),
    requestId: asked.request_id ?? label('fal_request_id', 'request_id'),
    search: asked.search,
    minLevel: asked.level,
    traceback: asked.traceback,
    since: asked.since,
    until: asked.until,
  });
}

/** Omits parameters that weren't given: in a query, `undefined` is not a value. */
function given(query: { readonly [K in keyof Filter]: Filter[K] | undefined }): Filter {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));
}

function isoOrNull(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
