import { Router } from 'express';
import { HttpError } from '../http-error.ts';
import { diagnose } from './diagnose.ts';
import { type FactRooms, factsFor } from './facts.ts';

/**
 * `GET /minifal/why/ID`: why a request (its id or number), a runner (its id) or an app (its name) waits, or how it is
 * (wire/diagnosis.ts). Reading it changes nothing.
 */
export function ownWhy(rooms: FactRooms): Router {
  const router = Router();
  router.get('/minifal/why/:id', ({ params }, response) => {
    const facts = factsFor(rooms, params.id);
    if (!facts) throw new HttpError(404, `There is no request, runner or app ${params.id}.`);
    response.json(diagnose(facts));
  });
  return router;
}
