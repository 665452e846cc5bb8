import express, { type Express, type RequestHandler } from 'express';
import { createPageSessions } from '../auth/page-sessions.ts';
import { guard } from '../guard.ts';
import { accounts } from './accounts.ts';
import { applications } from './applications.ts';
import { billableUnits } from './billable-units.ts';
import { gpuFault } from './control/gpu-fault.ts';
import { ownApps } from './control/own-apps.ts';
import { ownDisk } from './control/own-disk.ts';
import { ownRequests } from './control/own-requests.ts';
import { ownSecrets } from './control/own-secrets.ts';
import { ownSettings } from './control/own-settings.ts';
import { ownStatus } from './control/own-status.ts';
import { requestData } from './control/request-data.ts';
import { runDebug } from './control/run-debug.ts';
import { runReload } from './control/run-reload.ts';
import { runnerDebug } from './control/runner-debug.ts';
import { runnerStart } from './control/runner-start.ts';
import { runnerStop } from './control/runner-stop.ts';
import type { RestDeps } from './deps.ts';
import { errorHandler, HttpError } from './http-error.ts';
import { liveEvents } from './live/events.ts';
import { createLiveFeed } from './live/feed.ts';
import { livePages } from './live/pages.ts';
import { logs } from './logs/logs.ts';
import { ownLogs } from './logs/own-logs.ts';
import { platformMetrics } from './metrics/platform-metrics.ts';
import { runnerSamples } from './metrics/runner-samples.ts';
import { pageCodes, pageLogin } from './pages/access.ts';
import { createKnowsApp } from './pages/apps.ts';
import { home } from './pages/home.ts';
import { pages } from './pages/pages.ts';
import { guardRoutes, signedIn } from './route-rights.ts';
import { cdnReads, cdnUploads } from './storage/cdn.ts';
import { dataFiles } from './storage/data-files.ts';
import { files } from './storage/files.ts';
import { kv } from './storage/kv.ts';
import { storageUploads, uploadTargets } from './storage/storage.ts';
import { browserTokens } from './tokens.ts';
import { ownWhy } from './why/own-why.ts';
import { workflows } from './workflows.ts';

/**
 * The platform's REST host, for the `api` port (docs/platform/rest.md#rules to #app-files). Host and Origin are checked
 * first, then the key, then its rights (rights.ts); every error is `{"detail"}`; paths are matched as received, never
 * normalized or redirected.
 */
export function createRestEdge(given: RestDeps): Express {
  const app = express();
  const sessions = createPageSessions(given.clock);
  const deps = { ...given, authenticate: sessions.orPage(given.authenticate, given.catalog.account.userId) };
  const knows = createKnowsApp(deps);
  const feed = createLiveFeed(deps);
  feed.followReaders(deps.fleet.setDebugFollowed);
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(cdnReads(deps, deps.guardRules.hosts));
  app.use(guarded(deps));
  app.use(home(deps.hosts), pages({ hosts: deps.hosts, knows }), pageLogin(sessions));
  // Receivers of webhooks have no key (docs/platform/rest.md#others).
  app.get('/.well-known/jwks.json', (_request, response) => void response.json(deps.jwks));
  // These identify their callers by tokens and by addresses that can't be guessed.
  app.use(uploadTargets(deps), cdnUploads(deps), kv({ ...deps, keyValues: deps.storage.keyValues }));
  app.use(authenticated(deps));
  app.use(
    accounts(deps.catalog),
    applications(deps),
    billableUnits(deps),
    logs(deps),
    workflows(deps.workflows, deps.catalog.account),
    files(deps.appFiles),
    dataFiles(deps),
    storageUploads(deps),
    browserTokens(deps),
    pageCodes({ ...deps, sessions, knows }),
    ownStatus(deps),
    liveEvents(feed),
    livePages(deps),
    ownRequests(deps),
    ownWhy(deps),
    requestData(deps),
    runnerDebug(deps),
    runnerStart(deps),
    runnerStop(deps),
    gpuFault(deps),
    runReload(deps),
    runDebug(deps),
    ownLogs(deps),
    ownSettings(deps),
    ownApps(deps),
    ownSecrets(deps),
    ownDisk(deps),
    platformMetrics(deps),
    runnerSamples(deps),
  );
  guardRoutes(app.router, deps.authenticate);
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
    signedIn(authenticate, request, response);
    next();
  };
}
