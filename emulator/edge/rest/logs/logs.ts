import { json, Router } from 'express';
import type { LogLine, LogQuery } from '../../../telemetry/types.ts';
import { openEventStream } from '../../event-stream.ts';
import type { RestDeps } from '../deps.ts';
import { HttpError } from '../http-error.ts';
import { type LabelFilter, type LogsQuery, logsBody, logsQuery, runnerLogsQuery } from '../schemas.ts';
import { logItem, page } from './log-views.ts';

/** What a stream reports of the past; anyone who needs all of it reads the history. */
const maxPastLines = 10_000;

/** Bounds of a runner's life, and logs in three forms (docs/platform/rest.md#applications, #logs). */
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
    // Subscribed before the past is read, so that no line falls between the two.
    let pending: LogLine[] | undefined = [];
    const follower = (line: LogLine): void => {
      if (!pending) stream.send(item(line));
      // Who reads the past this slowly is cut off, as later (slow-reader.ts).
      else if (pending.push(line) > 2 * maxPastLines) response.destroy();
    };
    stream.onClose(logs.follow(filter, follower));
    const past = await logs.search({ ...asked, order: 'newest', limit: maxPastLines });
    const known = new Set(past.map(({ seq }) => seq));
    pending = [...past.toReversed(), ...pending.filter(({ seq }) => !known.has(seq))];
    // The past comes all at once: a reader that keeps up must not be taken for a slow one.
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

/** Leaves out what wasn't asked for: in a query, `undefined` is not a value. */
function given(query: { readonly [K in keyof Filter]: Filter[K] | undefined }): Filter {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));
}

function isoOrNull(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
