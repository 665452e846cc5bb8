import { Router } from 'express';
import { factsOf } from '../../../wire/log-lines.ts';
import type { RequestFacts } from '../../../wire/status.ts';
import type { RestDeps } from '../deps.ts';
import { HttpError } from '../http-error.ts';
import { whySentence } from './shown-reason.ts';

/**
 * `GET /minifal/requests/ID`: the state of a queued request, by its id alone. For the panes; reading it changes
 * nothing.
 */
export function ownRequests(rooms: Pick<RestDeps, 'queue' | 'fleet' | 'logs' | 'runnerHistory' | 'about'>): Router {
  const router = Router();
  const { queue, fleet, logs } = rooms;
  router.get('/minifal/requests/:id', async ({ params }, response) => {
    const known = queue.record(params.id);
    // A runner's answer may arrive before the exception that it reported.
    if (known?.runnerId && known.phase === 'COMPLETED') await fleet.flushLines(known.runnerId);
    const record = queue.record(params.id);
    if (!record) throw new HttpError(404, `Request ${params.id} not found.`);
    const { id, alias, phase, submittedAt, completedAt, runnerId, attempts, status, error } = record;
    const exception = logs.exceptionOf({ requestId: id });
    const facts: RequestFacts = {
      requestId: id,
      alias,
      phase,
      submittedAt,
      completedAt,
      runnerId,
      attempts,
      status,
      error: error?.detail ?? null,
      exception: exception === undefined ? null : factsOf(exception),
      why: phase === 'COMPLETED' ? null : whySentence(rooms, id, Date.now()),
    };
    response.json(facts);
  });
  return router;
}
