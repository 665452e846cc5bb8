import { json, Router } from 'express';
import type { z } from 'zod';
import { UserError } from '../../../wire/errors.ts';
import { type gpuFaultAnswer, gpuFaultSchema } from '../../../wire/gpu-faults.ts';
import type { RestDeps } from '../deps.ts';

/** `POST /minifal/gpus/NUMBER/fault`: what `minifal gpu fault` does, for the editor, too. */
export function gpuFault({ fleet }: Pick<RestDeps, 'fleet'>): Router {
  const router = Router();
  router.post('/minifal/gpus/:index/fault', json({ limit: '4kb' }), ({ params, body }, response) => {
    const { kind } = gpuFaultSchema.parse(body ?? {});
    const gpus = fleet.gpus().map(({ gpu }) => gpu);
    const gpu = gpus.find(({ index }) => String(index) === params.index);
    if (gpu === undefined) {
      const known = gpus.length === 0 ? 'Start minifal with `--gpus 2xH100`.' : `There are ${gpus.length}, from 0 on.`;
      throw new UserError('GPU_MISSING', `There is no GPU ${params.index}.`, known);
    }
    if (!gpu.virtual) {
      const next = 'Start minifal with virtual ones: `--gpus 2xH100`.';
      throw new UserError('GPU_NOT_VIRTUAL', `GPU ${gpu.index} (${gpu.name}) is a real one.`, next);
    }
    const runners = fleet.failGpu(gpu.uuid, kind).map((id) => ({ id, alias: fleet.runner(id)?.alias ?? '' }));
    const answer: z.infer<typeof gpuFaultAnswer> = { runners };
    response.json(answer);
  });
  return router;
}
