import { Router } from 'express';
import type { RestDeps } from '../deps.ts';
import { HttpError } from '../http-error.ts';

/** `POST /minifal/runners/ID/stop`: the same as `fal runners stop`, for the editor. */
export function runnerStop({ fleet }: Pick<RestDeps, 'fleet'>): Router {
  const router = Router();
  router.post('/minifal/runners/:id/stop', ({ params }, response) => {
    if (!fleet.stopRunner(params.id, false)) throw new HttpError(404, `Runner ${params.id} not found.`);
    response.json({});
  });
  return router;
}
