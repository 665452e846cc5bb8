import type { RequestListener } from 'node:http';
import express, { type RequestHandler } from 'express';
import { guard } from '../guard.ts';
import { accounts } from './accounts.ts';
import { applications } from './applications.ts';
import type { RestDeps } from './deps.ts';
import { files } from './files.ts';
import { home } from './home.ts';
import { errorHandler, HttpError } from './http-error.ts';
import { logs } from './logs.ts';
import { ownEvents } from './own-events.ts';
import { ownStatus } from './own-status.ts';

/**
 * The REST host of the platform, for the `api` port (rest-api.md §0-§4). Host and Origin are judged first, then the key; every error is
 * `{"detail"}`; paths are matched as they come, never normalised or redirected.
 */
export function createRestEdge(deps: RestDeps): RequestListener {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(guarded(deps));
  app.use(home(deps.hosts));
  app.use(authenticated(deps));
  app.use(
    accounts(deps.catalog),
    applications(deps),
    logs(deps),
    files(deps.appFiles),
    ownStatus(deps),
    ownEvents(deps),
  );
  app.use(() => {
    throw new HttpError(404, 'Not Found');
  });
  app.use(errorHandler(deps.report));
  return app;
}

function guarded({ guardRules }: Pick<RestDeps, 'guardRules'>): RequestHandler {
  return (request, response, next) => {
    const verdict = guard(request, guardRules);
    if (!verdict.ok) throw new HttpError(verdict.status, verdict.text);
    for (const [header, value] of verdict.headers) response.setHeader(header, value);
    if (verdict.preflight) response.status(204).end();
    else next();
  };
}

function authenticated({ authenticate }: Pick<RestDeps, 'authenticate'>): RequestHandler {
  return (request, response, next) => {
    if (authenticate(request.headers) !== undefined) return next();
    response.setHeader('www-authenticate', 'Key');
    throw new HttpError(401, 'No valid key was sent. Set FAL_KEY to a key of this server: `minifal env` prints it.');
  };
}
