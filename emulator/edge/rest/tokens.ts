import { json, Router } from 'express';
import { z } from 'zod';
import type { Catalog } from '../../catalog/types.ts';
import type { Tokens } from '../tokens.ts';

const apps = z.array(z.string().min(1).max(200)).min(1).max(100);
/** differs: the cloud's upper limit is not documented. */
const seconds = z.number().int().min(1).max(86_400);
const tokenBody = z.object({ allowed_apps: apps, token_expiration: seconds.default(120) });
const realtimeBody = z.object({ allowed_apps: apps, duration: seconds.default(120) });

/**
 * Tokens for browsers (rest-api.md §8): clients want a bare JSON string; the documented second form answers an object.
 */
export function browserTokens(deps: { readonly catalog: Catalog; readonly tokens: Pick<Tokens, 'issue'> }): Router {
  const { tokens, catalog } = deps;
  const router = Router();
  const jsonBody = json({ limit: '256kb' });
  router.post('/tokens', jsonBody, ({ body }, response) => {
    const wanted = tokenBody.parse(body);
    response.json(tokens.issue(wanted.allowed_apps, wanted.token_expiration, catalog.account.userId));
  });
  router.post('/tokens/realtime', jsonBody, ({ body }, response) => {
    const wanted = realtimeBody.parse(body);
    response.json({ token: tokens.issue(wanted.allowed_apps, wanted.duration, catalog.account.userId) });
  });
  return router;
}
