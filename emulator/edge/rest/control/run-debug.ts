import { json, Router } from 'express';
import { debugWaitSchema } from '../../../wire/runner-debug.ts';
import type { RestDeps } from '../deps.ts';
import { HttpError } from '../http-error.ts';

/**
 * `PUT /minifal/runs/ALIAS/debug`: whether runners of an open run that start wait for a debugger before they load their
 * code. They continue without one if nobody follows the live state for half a minute, or when the answer is changed.
 */
export function runDebug({ runs, fleet }: Pick<RestDeps, 'runs' | 'fleet'>): Router {
  const router = Router();
  router.put('/minifal/runs/:alias/debug', json({ limit: '4kb' }), ({ params, body }, response) => {
    const alias = String(params.alias);
    const { wait } = debugWaitSchema.parse(body);
    if (!runs.get(alias)) throw new HttpError(404, `Run ${alias} not found: its \`fal run\` has ended.`);
    fleet.waitForDebugger(alias, wait);
    response.json({ wait });
  });
  return router;
}
