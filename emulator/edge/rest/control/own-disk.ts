import { Router } from 'express';
import type { RestDeps } from '../deps.ts';

/** `GET /minifal/disk`: what the data folder takes on the disk. For the editor; changes nothing. */
export function ownDisk({ diskUse }: Pick<RestDeps, 'diskUse'>): Router {
  const router = Router();
  router.get('/minifal/disk', async (_request, response) => void response.json(await diskUse()));
  return router;
}
