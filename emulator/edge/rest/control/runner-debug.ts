import { json, Router } from 'express';
import type { DebugRefusal } from '../../../engines/engine.ts';
import type { UserErrorCode } from '../../../wire/error-codes.ts';
import { type DebugAnswer, debugRequestSchema } from '../../../wire/runner-debug.ts';
import type { RunnerStacks } from '../../../wire/runner-stacks.ts';
import type { RestDeps } from '../deps.ts';
import { HttpError } from '../http-error.ts';

const refusals: { readonly [R in DebugRefusal]: { readonly status: number; readonly code: UserErrorCode } } = {
  unsupported: { status: 400, code: 'DEBUG_UNSUPPORTED' },
  attached: { status: 409, code: 'DEBUG_ATTACHED' },
  failed: { status: 400, code: 'DEBUG_UNAVAILABLE' },
  no_answer: { status: 400, code: 'DEBUG_UNAVAILABLE' },
  runner_ended: { status: 404, code: 'DEBUG_UNAVAILABLE' },
};

/**
 * For the editor (wire/runner-debug.ts). `POST /minifal/debug/tools`: what starts a debug adapter; installs it first if
 * necessary. `POST /minifal/runners/ID/debug`: connects a runner to one. `GET /minifal/runners/ID/stacks`: what its
 * threads are doing.
 */
export function runnerDebug({ fleet, debugTools }: Pick<RestDeps, 'fleet' | 'debugTools'>): Router {
  const router = Router();
  router.post('/minifal/debug/tools', async (_request, response) => void response.json(await debugTools()));
  router.post('/minifal/runners/:id/debug', json({ limit: '4kb' }), async ({ params, body }, response) => {
    const id = String(params.id);
    const outcome = await fleet.debug(id, debugRequestSchema.parse(body));
    if (outcome === undefined) throw new HttpError(404, `Runner ${id} not found.`);
    if (outcome.ok) response.json({ outcome: 'connected' } satisfies DebugAnswer);
    else {
      const { status, code } = refusals[outcome.code];
      response.status(status).json({ detail: outcome.text, code });
    }
  });
  router.get('/minifal/runners/:id/stacks', async ({ params }, response) => {
    const id = String(params.id);
    const threads = await fleet.stacks(id);
    if (threads === undefined) throw new HttpError(404, `Runner ${id} not found.`);
    if (threads === null)
      throw new HttpError(
        400,
        'This runner did not say what it is doing: it runs a plain function, or is busy in native code.',
      );
    response.json({ threads: [...threads] } satisfies RunnerStacks);
  });
  return router;
}
