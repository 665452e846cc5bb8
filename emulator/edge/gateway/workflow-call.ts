import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WorkflowRequests } from '../../workflows/requests.ts';
import type { Admission } from './admission.ts';
import { type Envelope, errorAnswer, jsonAnswer, send, tooLarge } from './answers.ts';
import type { GatewayDeps } from './context.ts';
import { pairs } from './headers.ts';
import { readWishes } from './request-info.ts';
import { readBody } from './submit.ts';

/**
 * A direct call of a workflow (rest-api.md §7): answered when its last node is done. Its nodes' requests are queued ones. A caller that
 * goes away cancels them.
 */
export async function serveWorkflow(
  deps: GatewayDeps,
  workflows: WorkflowRequests,
  req: IncomingMessage,
  res: ServerResponse,
  about: { readonly admission: Admission & { readonly ok: true }; readonly envelope: Envelope },
): Promise<void> {
  const { admission, envelope } = about;
  if (req.method !== 'POST') {
    return send(res, envelope, jsonAnswer(405, { detail: 'Method Not Allowed' }, [['allow', 'POST']]));
  }
  const wishes = readWishes(pairs(req.rawHeaders), admission.access.isOwner);
  if ('kind' in wishes) return send(res, envelope, errorAnswer(wishes));
  const gone = new AbortController();
  res.once('close', () => {
    if (!res.writableFinished) gone.abort();
  });
  const body = await readBody(req, deps.limits.maxRequestBytes);
  if (body === 'caller gone') return;
  if (body === 'too large') return send(res, envelope, tooLarge(deps.limits.maxRequestBytes));
  const { target, access } = admission;
  const { priority, storeIo, noRetry } = wishes;
  const outcome = await workflows.run(
    {
      id: envelope.requestId,
      alias: target.route.alias,
      path: target.path,
      body,
      depth: 0,
      callerId: access.callerId,
      priority,
      storeIo,
      noRetry,
    },
    gone.signal,
  );
  if (gone.signal.aborted) return;
  if (outcome.kind === 'error') return send(res, envelope, errorAnswer(outcome.error));
  const { status, headers, body: bytes } = outcome.response;
  send(res, envelope, { status, headers, body: Buffer.from(bytes) });
}
