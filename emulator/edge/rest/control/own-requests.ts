import { Router } from 'express';
import type { RequestRecord } from '../../../queue/types.ts';
import type { TracedRequest } from '../../../telemetry/requests/types.ts';
import { factsOf } from '../../../wire/log-lines.ts';
import type { RequestFacts } from '../../../wire/status.ts';
import type { RestDeps } from '../deps.ts';
import { HttpError } from '../http-error.ts';
import { whySentence } from './shown-reason.ts';

/**
 * `GET /minifal/requests/ID`: the state of a request and its attempts, by its id or number alone. For the panes;
 * reading it changes nothing.
 */
export function ownRequests(
  rooms: Pick<RestDeps, 'queue' | 'fleet' | 'logs' | 'runnerHistory' | 'requestHistory' | 'about'>,
): Router {
  const router = Router();
  const { queue, fleet, requestHistory } = rooms;
  router.get('/minifal/requests/:id', async ({ params }, response) => {
    const id = requestHistory.get(params.id)?.id ?? params.id;
    const known = queue.record(id) ?? requestHistory.get(id);
    const runnerId = runnerOf(known);
    // A runner's answer may arrive before the exception that it reported.
    if (runnerId !== null && known?.phase === 'COMPLETED') await fleet.flushLines(runnerId);
    const facts = factsAbout(rooms, id);
    if (!facts) throw new HttpError(404, `Request ${params.id} not found.`);
    response.json(facts);
  });
  return router;
}

function factsAbout(rooms: Parameters<typeof ownRequests>[0], id: string): RequestFacts | undefined {
  const number = rooms.queue.number(id);
  const traced = rooms.requestHistory.get(number === undefined ? id : String(number));
  // The queue says that a request ended when its result is on disk.
  const record = rooms.queue.record(id) ?? traced;
  if (!record) return undefined;
  const { alias, method, path, phase, submittedAt, completedAt, attempts, status } = record;
  const exception = rooms.logs.exceptionOf({ requestId: id });
  const appName = rooms.runnerHistory.appNameOf(alias) ?? traced?.appName;
  return {
    requestId: id,
    number: traced?.number ?? number ?? null,
    alias,
    ...(appName !== undefined && { appName }),
    method,
    path,
    phase,
    submittedAt,
    completedAt,
    runnerId: runnerOf(record),
    attempts,
    status,
    error: errorOf(record),
    exception: exception === undefined ? null : factsOf(exception),
    coldMs: traced?.coldMs ?? null,
    history: (traced?.history ?? []).map((attempt) => ({ ...attempt })),
    why: phase === 'COMPLETED' ? null : whySentence(rooms, id, Date.now()),
  };
}

type Known = RequestRecord | TracedRequest;

function runnerOf(record: Known | undefined): string | null {
  if (record === undefined) return null;
  return 'runnerId' in record ? record.runnerId : (record.runner?.id ?? null);
}

/** The platform's error; what the app raised is the exception. */
function errorOf({ error }: Known): string | null {
  if (error === null) return null;
  if ('detail' in error) return error.detail;
  return error.file === null ? error.message : null;
}
