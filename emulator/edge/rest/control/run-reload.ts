import { json, Router } from 'express';
import { reloadRequestSchema, runScalingSchema } from '../../../wire/reload.ts';
import { type LiveRun, RunBusy } from '../../runs/live-runs.ts';
import type { RestDeps } from '../deps.ts';
import { HttpError } from '../http-error.ts';

/** The pickled app of a run is in it, in base64. */
const maxBody = '128mb';

/**
 * For `minifal run --watch`. `POST /minifal/runs/ALIAS/reload`: gives the app of an open run its saved code, and
 * answers when its runners have it, or when that failed (wire/reload.ts). 409: another reload is under way.
 * `PUT /minifal/runs/ALIAS/scaling`: whether one runner stays, or the app scales as if it were deployed.
 */
export function runReload({ runs }: Pick<RestDeps, 'runs'>): Router {
  const router = Router();
  const find = (alias: string): LiveRun => {
    const run = runs.get(alias);
    if (!run) throw new HttpError(404, `Run ${alias} not found: its \`fal run\` has ended.`);
    return run;
  };
  router.post('/minifal/runs/:alias/reload', json({ limit: maxBody }), async ({ params, body }, response) => {
    const run = find(String(params.alias));
    const request = reloadRequestSchema.parse(body);
    try {
      response.json(await run.reload(request));
    } catch (error) {
      if (!(error instanceof RunBusy)) throw error;
      response.status(409).json({ detail: `${error.message} ${error.next}`, code: error.code });
    }
  });
  router.put('/minifal/runs/:alias/scaling', json({ limit: '4kb' }), ({ params, body }, response) => {
    const run = find(String(params.alias));
    const { scaling } = runScalingSchema.parse(body);
    run.setScaling(scaling);
    response.json({ scaling });
  });
  return router;
}
