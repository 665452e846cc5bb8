import { Router } from 'express';
import { z } from 'zod';
import { keptMs } from '../../../telemetry/samples/samples.ts';
import type { RunnerSamples } from '../../../wire/samples.ts';
import type { RestDeps } from '../deps.ts';
import { HttpError } from '../http-error.ts';

const instant = z.coerce.number().int().min(0).max(8.64e15);
const asked = z.object({
  from: instant.optional(),
  to: instant.optional(),
  step: z.coerce.number().int().min(1).max(86_400).optional(),
});

/** A week of minutes. */
const maxSteps = 7 * 24 * 60;

/** `GET /minifal/runners/ID/samples`: what a runner used, also one that has ended (wire/samples.ts). */
export function runnerSamples({
  runnerHistory,
  samples,
  clock,
}: Pick<RestDeps, 'runnerHistory' | 'samples' | 'clock'>): Router {
  const router = Router();
  router.get('/minifal/runners/:id/samples', ({ params, query }, response) => {
    const now = clock();
    const { to = now + 1, from = to - keptMs[1], step = stepFor(now - from) } = asked.parse(query);
    if (Math.floor((to - from) / (step * 1_000)) > maxSteps)
      throw new HttpError(422, `These are more than ${maxSteps} steps: ask for a shorter time, or a longer step.`);
    const found = samples.read(params.id, { from, to, stepMs: step * 1_000 });
    if (found.length === 0 && !runnerHistory.get(params.id)) throw new HttpError(404, `Runner ${params.id} not found.`);
    const answer: RunnerSamples = {
      runnerId: params.id,
      stepSeconds: step,
      at: found.map(({ at }) => at),
      cores: found.map(({ cores = null }) => cores),
      memoryBytes: found.map(({ memoryBytes }) => memoryBytes),
      gpuUtilization: found.map(({ gpuUtilization = null }) => gpuUtilization),
      gpuMemoryBytes: found.map(({ gpuMemoryBytes = null }) => gpuMemoryBytes),
      powerWatts: found.map(({ powerWatts = null }) => powerWatts),
    };
    response.json(answer);
  });
  return router;
}

function stepFor(agoMs: number): number {
  if (agoMs <= keptMs[1]) return 1;
  return agoMs <= keptMs[10] ? 10 : 60;
}
