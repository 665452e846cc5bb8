import { Router } from 'express';
import { z } from 'zod';
import { openEventStream } from '../../event-stream.ts';
import type { LiveFeed } from './feed.ts';

const query = z.object({ cursor: z.string().optional() });

/**
 * `GET /minifal/events?cursor=`: the live state as server-sent events (wire/live.ts). A reader that comes back with its
 * last cursor, as `cursor` or `Last-Event-ID`, gets what changed since. While nothing changes, nothing runs except for
 * the comments that keep a quiet stream open. Reading changes nothing.
 */
export function liveEvents(feed: LiveFeed): Router {
  const router = Router();
  router.get('/minifal/events', (request, response) => {
    const { cursor = request.get('last-event-id') } = query.parse(request.query);
    const stream = openEventStream(response);
    const { leave, resume } = feed.join(cursor, {
      send({ type, data, id }) {
        stream.sendText(data, { type, id });
        return !response.writableNeedDrain;
      },
      failed: () => void response.destroy(),
    });
    stream.onClose(leave);
    response.on('drain', resume);
  });
  return router;
}
