import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, errorAnswer, jsonAnswer } from '../../../exchange/answers.ts';
import { type HeaderList, pairs } from '../../../exchange/headers.ts';
import type { Dispatcher } from '../../../workflows/dispatcher.ts';
import type { WorkflowEvent } from '../../../workflows/run.ts';
import { writeOrCut } from '../../slow-reader.ts';
import type { Admission } from '../admission.ts';
import { type Envelope, send, tooLarge, writeHead } from '../answers.ts';
import type { GatewayDeps } from '../context.ts';
import { readBody } from '../read-body.ts';
import { readRequestOptions } from '../request-info.ts';

interface WorkflowOrder {
  readonly requestId: string;
  readonly admission: Admission & { readonly ok: true };
  /** The path within the workflow, decoded. */
  readonly path: string;
  /** The caller's. */
  readonly headers: HeaderList;
  readonly body: Uint8Array;
}

/**
 * Runs a workflow to its end (docs/platform/rest.md#workflows). Its nodes' requests are queued; `gone` cancels them.
 */
export async function callWorkflow(
  requests: Pick<Dispatcher, 'runWorkflow'>,
  order: WorkflowOrder,
  gone: AbortSignal,
  send?: (event: WorkflowEvent) => void,
): Promise<Answer> {
  const { target, access } = order.admission;
  const options = readRequestOptions(order.headers, access.isOwner);
  if ('kind' in options) return errorAnswer(options);
  const { priority, storeIo, noRetry } = options;
  const outcome = await requests.runWorkflow(
    {
      id: order.requestId,
      alias: target.route.alias,
      path: order.path,
      body: order.body,
      depth: 0,
      callerId: access.callerId,
      priority,
      storeIo,
      noRetry,
    },
    gone,
    send,
  );
  if (outcome.kind === 'error') return errorAnswer(outcome.error);
  const { status, headers, body } = outcome.response;
  return { status, headers, body: Buffer.from(body) };
}

/** The suffix that the clients append to the id of what they want to stream. */
const streamPath = /^\/stream\/?$/;

/**
 * A direct call of a workflow: answered when its last node is done or, below `/stream`, with an event for every step
 * (fal's page "Workflow endpoints"). If the caller disconnects, its nodes' requests are cancelled.
 */
export async function serveWorkflow(
  deps: Pick<GatewayDeps, 'limits' | 'requests'>,
  req: IncomingMessage,
  res: ServerResponse,
  about: { readonly admission: Admission & { readonly ok: true }; readonly envelope: Envelope },
): Promise<void> {
  const { admission, envelope } = about;
  if (req.method !== 'POST') {
    return send(res, envelope, jsonAnswer(405, { detail: 'Method Not Allowed' }, [['allow', 'POST']]));
  }
  const gone = new AbortController();
  res.once('close', () => {
    if (!res.writableFinished) gone.abort();
  });
  const body = await readBody(req, deps.limits.maxRequestBytes);
  if (body === 'caller gone') return;
  if (body === 'too large') return send(res, envelope, tooLarge(deps.limits.maxRequestBytes));
  const isStream = streamPath.test(admission.target.path);
  const events = createEvents(deps, res, envelope);
  const answer = await callWorkflow(
    deps.requests,
    {
      requestId: envelope.requestId,
      admission,
      path: isStream ? '/' : admission.target.path,
      headers: pairs(req.rawHeaders),
      body,
    },
    gone.signal,
    isStream ? events.send : undefined,
  );
  if (events.end(answer) || gone.signal.aborted) return;
  send(res, envelope, answer);
}

/**
 * Server-sent events. The head is sent with the first event: a workflow that can't even start is answered with its
 * status, which clients show.
 */
function createEvents(deps: Pick<GatewayDeps, 'limits'>, res: ServerResponse, envelope: Envelope) {
  let ping: ReturnType<typeof setInterval> | undefined;
  /** The last event was one that clients treat as the end. */
  let concluded = false;
  function send(event: WorkflowEvent): void {
    if (res.writableEnded || res.destroyed) return;
    if (!ping) {
      writeHead(res, envelope, 200, [
        ['content-type', 'text/event-stream'],
        ['cache-control', 'no-cache'],
      ]);
      ping = setInterval(() => writeOrCut(res, ': ping\n\n'), deps.limits.pingIntervalMs);
      res.once('close', () => clearInterval(ping));
    }
    concluded = event.type === 'output' || event.type === 'error';
    writeOrCut(res, `data: ${JSON.stringify(event)}\n\n`);
  }
  return {
    send,
    /**
     * Ends the stream; an error outside its nodes becomes its last event. `false`: there was no event, so there is no
     * stream.
     */
    end(answer: Answer): boolean {
      if (!ping) return false;
      clearInterval(ping);
      if (!concluded) send(errorEvent(answer));
      res.end();
      return true;
    },
  };
}

function errorEvent({ status, body }: Answer): WorkflowEvent {
  const sent: unknown = JSON.parse(body.toString());
  const message = 'Error while running the workflow';
  return { type: 'error', node_id: 'output', message, error: { status, body: sent } };
}
