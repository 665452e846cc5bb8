import { isUtf8 } from 'node:buffer';
import express, { type ErrorRequestHandler, type RequestHandler, Router } from 'express';
import { z } from 'zod';
import { type KeyValues, maxValueBytes } from '../../../storage/key-values.ts';
import { Refusal } from '../../../storage/refusal.ts';
import { HttpError } from '../http-error.ts';
import { type StorageUser, userOf } from './user.ts';

const maxSeconds = 2_592_000;
const query = z.object({ ttl: z.coerce.number().int().min(60).max(maxSeconds).default(maxSeconds) });
/** The SDK puts the key into the path unencoded: it may contain slashes. */
const key = '(?<db>[^/]+)/(?<key>.+)';

/**
 * The key-value store of the toolkit (docs/platform/rest.md#key-values). Its host is hard-coded in the SDK: runners
 * replace it (runner/inside/hosts.py), other clients must. Every success has a JSON body; errors are `{"error"}`.
 */
export function kv({ keyValues, ...user }: StorageUser & { readonly keyValues: KeyValues }): Router {
  const router = Router();
  const signedIn: RequestHandler = (request, response, next) => {
    if (userOf(request.headers, user) !== undefined) return next();
    response.status(401).json({ error: 'No valid token was sent.' });
  };
  router.get(new RegExp(`^/get/${key}$`), signedIn, ({ params }, response) => {
    const value = keyValues.get(textOf(params.db), textOf(params.key));
    if (value === undefined) response.status(404).json({ error: 'There is no such key.' });
    else response.json({ value: Buffer.from(value).toString('utf8') });
  });
  const body = express.raw({ type: () => true, limit: maxValueBytes, inflate: false });
  const set: RequestHandler = ({ params, query: asked, body: value }, response) => {
    const { ttl } = query.parse(asked);
    const bytes = Buffer.isBuffer(value) ? value : Buffer.alloc(0);
    if (!isUtf8(bytes)) throw new HttpError(400, 'A value must be text in UTF-8.');
    keyValues.set(textOf(params.db), textOf(params.key), bytes, ttl);
    response.json({ ok: true });
  };
  router.put(new RegExp(`^/set/${key}$`), signedIn, body, set, errorHandler);
  router.delete(new RegExp(`^/delete/${key}$`), signedIn, ({ params }, response) => {
    keyValues.delete(textOf(params.db), textOf(params.key));
    response.json({ ok: true });
  });
  return router;
}

/** This host's errors have their own key; errors that aren't meant for a caller are passed to the edge's handler. */
const errorHandler: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (error instanceof z.ZodError) response.status(400).json({ error: error.issues[0]?.message ?? 'Bad request.' });
  else if (error instanceof HttpError) response.status(error.status).json({ error: error.message });
  else if (error instanceof Refusal && error.reason === 'full') response.status(507).json({ error: error.message });
  else if (error instanceof Error && 'status' in error && error.status === 413)
    response.status(413).json({ error: 'A value may have at most 1.9 MB.' });
  else next(error);
};

function textOf(param: string | string[] | undefined): string {
  return typeof param === 'string' ? param : (param ?? []).join('/');
}
