import { json, Router } from 'express';
import type { z } from 'zod';
import { UserError } from '../../../wire/errors.ts';
import {
  type pageCodeAnswer,
  pageCodeRequest,
  type pageSessionAnswer,
  pageSessionRequest,
} from '../../../wire/pages.ts';
import { isPage, type PageSessions } from '../../auth/page-sessions.ts';
import type { RestDeps } from '../deps.ts';
import { HttpError } from '../http-error.ts';
import { signedIn } from '../route-rights.ts';
import type { KnowsApp } from './apps.ts';

const body = json({ limit: '4kb' });

/** `POST /minifal/pages/code`: for `minifal open`, the code of an address. The owner's key is required. */
export function pageCodes(
  deps: Pick<RestDeps, 'catalog' | 'authenticate'> & {
    readonly sessions: Pick<PageSessions, 'issueCode'>;
    readonly knows: KnowsApp;
  },
): Router {
  const { catalog, authenticate, sessions, knows } = deps;
  const router = Router();
  router.post('/minifal/pages/code', body, (request, response) => {
    if (isPage(signedIn(authenticate, request, response)))
      throw new HttpError(403, 'A page may not sign in other pages. Run `minifal open` in a terminal.');
    const { app } = pageCodeRequest.parse(request.body);
    const answer: z.infer<typeof pageCodeAnswer> = { path: pathOf(app), code: sessions.issueCode() };
    response.json(answer);
  });

  function pathOf(app: string | undefined): string {
    if (app === undefined) return '/dashboard/logs';
    const [name = '', owner = catalog.account.nickname, ...more] = app.split('/').toReversed();
    if (more.length === 0 && knows(owner, name))
      return `/dashboard/apps/${encodeURIComponent(owner)}/${encodeURIComponent(name)}/logs`;
    const names = catalog.aliases(null).map((alias) => alias.name);
    const known = names.length === 0 ? 'No app is deployed.' : `Deployed are: ${names.slice(0, 20).join(', ')}.`;
    throw new UserError('APP_UNKNOWN', `There is no app ${app}.`, known);
  }
  return router;
}

/** `POST /minifal/pages/session`: a page exchanges its code for a token, which it keeps and sends as a key. */
export function pageLogin(sessions: Pick<PageSessions, 'exchange'>): Router {
  const router = Router();
  router.post('/minifal/pages/session', body, (request, response) => {
    const { code } = pageSessionRequest.parse(request.body);
    const token = sessions.exchange(code);
    if (token === undefined) {
      const why = 'This address was opened before, or it is older than a minute.';
      throw new UserError('PAGE_CODE_USED', why, 'Run `minifal open` again.');
    }
    const answer: z.infer<typeof pageSessionAnswer> = { token };
    response.setHeader('cache-control', 'no-store');
    response.json(answer);
  });
  return router;
}
