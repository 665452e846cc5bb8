import { Router } from 'express';
import type { RequestFacts } from '../../../wire/status.ts';
import type { RestDeps } from '../deps.ts';
import { HttpError } from '../http-error.ts';

/**
 * `GET /minifal/requests/ID`: the state of a queued request, by its id alone. For the panes; reading it changes
 * nothing.
 */
export function ownRequests({ queue, fleet }: Pick<RestDeps, 'queue' | 'fleet'>): Router {
  const router = Router();
  router.get('/minifal/requests/:id', ({ params }, response) => {
    const record = queue.record(params.id);
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
      why: phase === 'COMPLETED' ? null : fleet.why(id),
    };
    response.json(facts);
  });
  return router;
}
