import { Router } from 'express';
import type { RequestData } from '../../../wire/status.ts';
import type { RestDeps } from '../deps.ts';
import { HttpError } from '../http-error.ts';

const maxBytes = 1024 * 1024;

/**
 * `GET /minifal/requests/ID/data`: what a queued request sent, and its answer, by its id or number. A body of more than
 * 1 MiB is left out. For the editor; changes nothing.
 */
export function requestData({ queue, requestHistory }: Pick<RestDeps, 'queue' | 'requestHistory'>): Router {
  const router = Router();
  router.get('/minifal/requests/:id/data', ({ params }, response) => {
    const id = requestHistory.get(params.id)?.id ?? params.id;
    if (!queue.record(id)) throw new HttpError(404, `Request ${params.id} isn't in the queue's store.`);
    const [submitted, result] = [queue.submitted(id), queue.result(id)];
    const answer = result?.kind === 'response' ? result.response : undefined;
    const data: RequestData = {
      input: submitted ? { ...bodyOf(submitted), query: submitted.query } : null,
      output: answer ? { ...bodyOf(answer), status: answer.status } : null,
    };
    response.json(data);
  });
  return router;
}

type Headers = readonly (readonly [string, string])[];

function bodyOf({ headers, body }: { readonly headers: Headers; readonly body: Uint8Array }) {
  return {
    contentType: headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? null,
    bytes: body.length,
    base64: body.length > maxBytes ? null : Buffer.from(body).toString('base64'),
  };
}
