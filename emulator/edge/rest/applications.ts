import { Router } from 'express';
import { isOwner } from '../../catalog/owner.ts';
import type { Catalog } from '../../catalog/types.ts';
import type { RestDeps } from './deps.ts';
import { HttpError } from './http-error.ts';

type Deps = Pick<RestDeps, 'catalog' | 'fleet'>;

/** Metadata, queue and GPU counts of apps (docs/platform/rest.md#applications). */
export function applications(deps: Deps): Router {
  const { catalog, fleet } = deps;
  const router = Router();

  router.get('/applications/metrics', (_request, response) => {
    response.json(gpuMetrics(deps));
  });

  router.get('/applications/:owner/:app/metadata', ({ params }, response) => {
    requireOwner(catalog, params.owner);
    const revision = catalog.revision(catalog.alias(params.app)?.revision ?? params.app);
    if (revision === undefined) throw unknownApp(params.owner, params.app);
    // As stored: nothing is derived, an app without openapi has no such key.
    response.json(revision.metadata ?? {});
  });

  router.get('/applications/:owner/:app/queue', ({ params, query }, response) => {
    requireApp(catalog, params);
    const size = fleet.queueSize(params.app);
    // One local account: anyone who waits is this user.
    const byUser = size === 0 ? {} : { [catalog.account.nickname]: size };
    response.json({ size, queue_size: size, ...(query.by_user === 'true' ? { by_user: byUser } : {}) });
  });

  router.delete('/applications/:owner/:app/queue', async ({ params, query }, response) => {
    requireApp(catalog, params);
    const another = query.caller_user_id !== undefined && query.caller_user_id !== catalog.account.userId;
    response.json({ flushed: another ? 0 : await fleet.flush(params.app) });
  });

  return router;
}

function requireApp(catalog: Catalog, params: { readonly owner: string; readonly app: string }): void {
  requireOwner(catalog, params.owner);
  if (catalog.alias(params.app) === undefined) throw unknownApp(params.owner, params.app);
}

function requireOwner({ account }: Catalog, owner: string): void {
  if (!isOwner(account, owner)) throw new HttpError(404, `User "${owner}" not found.`);
}

function unknownApp(owner: string, app: string): HttpError {
  return new HttpError(404, `Application "${owner}/${app}" not found.`);
}

/** GPUs in use by live runners, per app and in all; apps without any have an empty count. */
function gpuMetrics({ catalog, fleet }: Deps): object {
  const apps: { [app: string]: { gpu_count_by_type: { [type: string]: number } } } = {};
  const total: { [type: string]: number } = {};
  for (const alias of catalog.aliases(null)) {
    const counts: { [type: string]: number } = {};
    for (const runner of fleet.runners(alias.name)) {
      const revision = catalog.revision(runner.revision);
      const type = revision?.machineTypes[0] ?? '';
      if (!type.startsWith('GPU-') || runner.state.kind === 'terminated') continue;
      const gpus = revision?.numGpus ?? 1;
      counts[type] = (counts[type] ?? 0) + gpus;
      total[type] = (total[type] ?? 0) + gpus;
    }
    apps[`${catalog.account.nickname}/${alias.name}`] = { gpu_count_by_type: counts };
  }
  return { apps, summary: { total_gpu_by_type: total } };
}
