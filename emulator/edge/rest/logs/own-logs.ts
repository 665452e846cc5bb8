import { Router } from 'express';
import type { z } from 'zod';
import type { RowQuery } from '../../../telemetry/rows/types.ts';
import { logQuerySchema } from '../../../wire/log-lines.ts';
import type { RestDeps } from '../deps.ts';
import { HttpError } from '../http-error.ts';
import { whenGone } from '../when-gone.ts';
import { followRows } from './follow-rows.ts';

/**
 * The log for panes and editors (wire/log-lines.ts): `GET /minifal/logs` is a page of rows, searched on a thread;
 * `GET /minifal/logs/follow` streams the rows from a cursor on, and can ask runners to note where lines are printed.
 */
export function ownLogs({ logs, places, report }: Pick<RestDeps, 'logs' | 'places' | 'report'>): Router {
  const router = Router();

  router.get('/minifal/logs', async ({ query }, response) => {
    const asked = logQuerySchema.parse(query);
    const { before, after } = asked;
    if (before !== undefined && after !== undefined) throw new HttpError(400, 'Give `before` or `after`, not both.');
    const from = after === undefined ? { before: before ?? Number.MAX_SAFE_INTEGER } : { after };
    const gone = whenGone(response);
    try {
      const { json } = await logs.page({ ...filterOf(asked), from, limit: asked.limit }, gone);
      response.type('json').send(json);
    } catch (error) {
      if (!gone.aborted) throw error;
    }
  });

  router.get('/minifal/logs/follow', ({ query, headers }, response) => {
    const asked = logQuerySchema.parse(query);
    // A browser sends the id of the last event that it saw when it connects again.
    const resumed = Number(headers['last-event-id']);
    const isResumed = headers['last-event-id'] !== undefined && Number.isSafeInteger(resumed) && resumed >= 0;
    const after = isResumed ? resumed : (asked.after ?? logs.lastSeq());
    if (asked.places) response.once('close', places.want());
    const wanted = { ...filterOf(asked), limit: asked.limit, isNewest: asked.newest };
    followRows(response, { logs, report, gone: whenGone(response) }, wanted, after);
  });

  return router;
}

function filterOf(asked: z.output<typeof logQuerySchema>): Omit<RowQuery, 'from' | 'limit'> {
  const { alias, runner, request, level, platform, text, regexp, matchCase, server } = asked;
  return {
    ...(alias === undefined ? {} : { alias }),
    ...(runner === undefined ? {} : { runnerId: runner }),
    ...(request === undefined ? {} : { requestId: request }),
    ...(level === undefined ? {} : { minLevel: level }),
    ...(text === undefined ? {} : { text }),
    ...(regexp === undefined ? {} : { regexp }),
    platform,
    matchCase,
    server,
  };
}
