import { Router } from 'express';
import { startOf } from '../../../telemetry/starts/stages.ts';
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
    const before = runnerHistory.readyBefore(runner.id);
    const known = (record: typeof runner) => ({ runner: record, steps: runnerHistory.steps(record.id) });
    const start: RunnerStart = {
      ...startOf(known(runner), before && known(before)),
      ...appNameField(rooms, runner.alias, runner.appName),
    };
    response.json(start);
  });
  return router;
}
