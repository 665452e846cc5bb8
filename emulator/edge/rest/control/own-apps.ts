import { Router } from 'express';
import type { AppRevisions } from '../../../wire/app-revisions.ts';
import type { RestDeps } from '../deps.ts';
import { HttpError } from '../http-error.ts';

/** Revisions that an answer lists. */
const maxRevisions = 200;

/**
 * Deployed apps for the editor. `GET /minifal/apps/ALIAS/revisions` is like `fal apps list-rev`,
 * `DELETE /minifal/apps/ALIAS` the same as `fal apps delete`.
 */
export function ownApps({ catalog, fleet }: Pick<RestDeps, 'catalog' | 'fleet'>): Router {
  const router = Router();
  router.get('/minifal/apps/:alias/revisions', ({ params }, response) => {
    const alias = catalog.alias(params.alias);
    if (!alias) throw notFound(params.alias);
    const revisions = catalog.revisions(alias.environmentName, alias.name).slice(0, maxRevisions);
    response.json({
      alias: alias.name,
      active: alias.revision,
      revisions: revisions.map(({ id, createdAt }) => ({ id, createdAt })),
    } satisfies AppRevisions);
  });
  router.delete('/minifal/apps/:alias', ({ params }, response) => {
    const removed = catalog.deleteAlias(params.alias);
    if (!removed) throw notFound(params.alias);
    fleet.removeAlias(removed.name);
    response.json({ revision: removed.revision });
  });
  return router;
}

function notFound(alias: string): HttpError {
  return new HttpError(404, `App ${alias} not found.`);
}
