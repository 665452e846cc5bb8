import { json, Router } from 'express';
import { z } from 'zod';
import type { RestDeps } from './deps.ts';
import { HttpError } from './http-error.ts';

const requestId = z.object({ id: z.uuid() });
/** As the SDK's `format_billable_units` writes a number: fixed point, never below zero. */
const report = z.object({ billable_units: z.string().regex(/^\d{1,310}(\.\d{1,20})?$/, 'must be a decimal number') });

/**
 * The route where an app reports the units of a request that it bills later (docs/platform/rest.md#applications;
 * fal/wma/_billing.py).
 */
export function billableUnits({ lateUnits, authenticate }: Pick<RestDeps, 'lateUnits' | 'authenticate'>): Router {
  const router = Router();
  router.post('/requests/billable-units/:id', json({ limit: '4kb' }), ({ params, body, headers }, response) => {
    const { id } = requestId.parse(params);
    const { billable_units } = report.parse(body);
    if (!lateUnits.settle(id, billable_units, authenticate(headers)?.runnerId)) {
      throw new HttpError(404, `No request ${id} is waiting for billable units.`);
    }
    response.json({ billable_units });
  });
  return router;
}
