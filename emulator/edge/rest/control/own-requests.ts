import { Router } from 'express';
import type { RequestFacts } from '../../../wire/status.ts';
import type { RestDeps } from '../deps.ts';
import { HttpError } from '../http-error.ts';
import { whySentence } from './shown-reason.ts';

/**
 * `GET /minifal/requests/ID`: the state of a queued request, by its id alone. For the panes; reading it changes
 * nothing.
 */
export function ownRequests(rooms: Pick<RestDeps, 'queue' | 'fleet' | 'runnerHistory' | 'about'>): Router {
  const router = Router();
  router.get('/minifal/requests/:id', ({ params }, response) => {
    const record = rooms.queue.record(params.id);
    if (!record) throw new HttpError(404, `Request ${params.id} not found.`);
    const { id, alias, phase, submittedAt, completedAt, runnerId, attempts, status, error } = record;
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
      why: phase === 'COMPLETED' ? null : whySentence(rooms, id, Date.now()),
    };
    response.json(facts);
  });
  return router;
}
