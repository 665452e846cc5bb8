import { Router } from 'express';
import { effectiveSettings } from '../../../catalog/effective-settings.ts';
import type { RestDeps } from '../deps.ts';
import { HttpError } from '../http-error.ts';

/** `GET /minifal/apps/ALIAS/settings`: the settings of a deployed app in effect. For the editor; changes nothing. */
export function ownSettings({ catalog }: Pick<RestDeps, 'catalog'>): Router {
  const router = Router();
  router.get('/minifal/apps/:alias/settings', ({ params }, response) => {
    const alias = catalog.alias(params.alias);
    if (!alias) throw new HttpError(404, `App ${params.alias} not found.`);
    response.json(effectiveSettings(alias, catalog.revisions(alias.environmentName, alias.name)));
  });
  return router;
}
