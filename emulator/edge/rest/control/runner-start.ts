import { Router } from 'express';
import { startIn } from '../../../telemetry/starts/stages.ts';
import type { RunnerStart } from '../../../wire/runner-start.ts';
import type { RestDeps } from '../deps.ts';
import { HttpError } from '../http-error.ts';
import { appNameField } from '../live/rows.ts';

/** `GET /minifal/runners/ID/start`: how long each stage of a runner's start took, compared with the previous start. */
export function runnerStart(rooms: Pick<RestDeps, 'runnerHistory'>): Router {
  const { runnerHistory } = rooms;
  const router = Router();
  router.get('/minifal/runners/:id/start', ({ params }, response) => {
    const runner = runnerHistory.get(params.id);
    if (!runner) throw new HttpError(404, `Runner ${params.id} not found.`);
    const start: RunnerStart = {
      ...startIn(runnerHistory, runner),
      ...appNameField(rooms, runner.alias, runner.appName),
    };
    response.json(start);
  });
  return router;
}
