import { Router } from 'express';
import { z } from 'zod';
import type { RequestPage, RunnerDetail, RunnerPage } from '../../../wire/live.ts';
import type { RestDeps } from '../deps.ts';
import { HttpError } from '../http-error.ts';
import { whenGone } from '../when-gone.ts';
import { type LiveRooms, requestRow, runnerRow } from './rows.ts';

const limit = z.coerce.number().int().min(1).max(500).default(100);

const requestsQuery = z.object({
  before: z.coerce.number().int().min(1).optional(),
  alias: z.string().optional(),
  state: z.enum(['waiting', 'running', 'done', 'failed']).optional(),
  text: z.string().min(1).max(1_000).optional(),
  limit,
});

const runnersQuery = z.object({ before: z.string().optional(), alias: z.string().optional(), limit });

/** What the live stream doesn't show: older requests and ended runners, in pages (wire/live.ts). Changes nothing. */
export function livePages(rooms: LiveRooms & Pick<RestDeps, 'report'>): Router {
  const router = Router();
  const { requestHistory, runnerHistory } = rooms;

  router.get('/minifal/requests', async ({ query }, response) => {
    const asked = withoutAbsent(requestsQuery.parse(query));
    const gone = whenGone(response);
    try {
      const { requests, before } = await requestHistory.page(asked, gone);
      const page: RequestPage = { requests: requests.map((request) => requestRow(rooms, request)), before };
      response.json(page);
    } catch (error) {
      if (!gone.aborted) throw error;
    }
  });

  router.get('/minifal/runners', ({ query }, response) => {
    const { before, alias, limit: most } = runnersQuery.parse(query);
    const ended = runnerHistory
      .since(0)
      .filter((record) => record.endedAt !== null && (alias === undefined || record.alias === alias))
      .sort((a, b) => (b.endedAt ?? 0) - (a.endedAt ?? 0) || (a.id < b.id ? -1 : 1));
    const last = ended.findIndex(({ id }) => id === before);
    // The reader's last runner was dropped meanwhile, and with it all that ended before.
    const begin = before === undefined ? 0 : last < 0 ? ended.length : last + 1;
    const some = ended.slice(begin, begin + most);
    const page: RunnerPage = {
      runners: some.map((record) => runnerRow(rooms, record, undefined)),
      before: begin + most < ended.length ? (some.at(-1)?.id ?? null) : null,
    };
    response.json(page);
  });

  router.get('/minifal/runners/:id', ({ params }, response) => {
    const record = runnerHistory.get(params.id);
    if (!record) throw new HttpError(404, `Runner ${params.id} not found.`);
    const transitions = runnerHistory.transitions(record.id).map((transition) => ({ ...transition }));
    const detail: RunnerDetail = { ...runnerRow(rooms, record, undefined), transitions };
    response.json(detail);
  });

  return router;
}

/** The inner rooms know absent values only as absent fields. */
function withoutAbsent<T extends object>(query: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
