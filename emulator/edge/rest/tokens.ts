import { json, Router } from 'express';
import { z } from 'zod';
import type { Tokens } from '../auth/tokens.ts';
import type { Authenticate } from '../auth/types.ts';
import { signedIn } from './route-rights.ts';

const apps = z.array(z.string().min(1).max(200)).min(1).max(100);
/** differs: the cloud's upper limit is not documented. */
const seconds = z.number().int().min(1).max(86_400);
const tokenBody = z.object({ allowed_apps: apps, token_expiration: seconds.default(120) });
const realtimeBody = z.object({ allowed_apps: apps, duration: seconds.default(120) });

/**
 * Tokens for browsers (docs/platform/rest.md#tokens): clients expect a bare JSON string; the documented second form
 * returns an object. A token that was requested with a runner's key expires with the runner at the latest.
 */
export function browserTokens(deps: {
  readonly authenticate: Authenticate;
  readonly tokens: Pick<Tokens, 'issue'>;
}): Router {
  const { tokens, authenticate } = deps;
  const router = Router();
  const jsonBody = json({ limit: '256kb' });
  router.post('/tokens', jsonBody, (request, response) => {
    const wanted = tokenBody.parse(request.body);
    const by = signedIn(authenticate, request, response);
    response.json(tokens.issue(wanted.allowed_apps, wanted.token_expiration, by));
  });
  router.post('/tokens/realtime', jsonBody, (request, response) => {
    const wanted = realtimeBody.parse(request.body);
    const by = signedIn(authenticate, request, response);
    response.json({ token: tokens.issue(wanted.allowed_apps, wanted.duration, by) });
  });
  return router;
}
