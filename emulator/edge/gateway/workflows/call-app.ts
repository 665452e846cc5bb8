import { type Answer, jsonAnswer } from '../../../exchange/answers.ts';
import { toApp } from '../../../exchange/headers.ts';
import type { RequestOutcome, SubmittedRequest } from '../../../queue/types.ts';
import {
  type CallApp,
  depthHeader,
  isWorkflow,
  type NodeRequest,
  type Performers,
} from '../../../workflows/requests.ts';
import { anonymous, authorise } from '../access.ts';
import { notFound } from '../answers.ts';
import { appId, resolveTarget } from '../app-url.ts';
import type { GatewayDeps } from '../context.ts';
import { infoOf } from '../queue/submit.ts';
import { startBy } from '../request-info.ts';

type Deps = Pick<GatewayDeps, 'account' | 'routes' | 'queue' | 'clock'>;

/**
 * The queue without HTTP, for the nodes of a workflow: the same names, the same rights as if the caller had submitted
 * the request, and durable before it runs. If a request with this id already exists, it is joined.
 */
export function createCallApp(deps: Deps): CallApp {
  return async (node, performers, signal, submitted) => {
    if (!deps.queue.record(node.id)) {
      const request = requestOf(deps, node);
      if ('status' in request) return { kind: 'response', response: request };
      await deps.queue.submit(request, node.whenFull);
      performers.enqueue(infoOf(request, 0));
    }
    submitted();
    return await ending(deps.queue, performers, node.id, signal);
  };
}

function requestOf(deps: Deps, node: NodeRequest): SubmittedRequest | Answer {
  const target = resolveTarget(`/${node.app}`, deps.routes);
  if ('unknown' in target) return notFound(target.unknown);
  const { callerId, priority, storeIo, noRetry } = node.caller;
  const identity = callerId === anonymous ? undefined : { userId: callerId, keyId: '', scope: 'API' as const };
  const access = authorise(target.route, identity, deps.account);
  if (!access.ok) return jsonAnswer(access.status, { detail: access.detail });
  const { path, query, route } = target;
  const submittedAt = deps.clock();
  const headers = toApp([['content-type', 'application/json']], {
    requestId: node.id,
    app: appId(target),
    path,
    callerId,
  });
  return {
    id: node.id,
    alias: route.alias,
    callerId,
    method: 'POST',
    path,
    query,
    headers: isWorkflow(route.alias) ? [...headers, [depthHeader, String(node.depth)]] : headers,
    body: node.body,
    priority,
    submittedAt,
    startBy: startBy({ startTimeoutSeconds: null }, route, access, submittedAt),
    hint: null,
    noRetry,
    retries: {},
    storeIo,
    webhook: null,
  };
}

/** Resolves with the stored result when the request is COMPLETED. */
function ending(
  queue: Deps['queue'],
  performers: Performers,
  id: string,
  signal: AbortSignal,
): Promise<RequestOutcome> {
  return new Promise((resolve) => {
    const cancel = (): void => void performers.cancel(id);
    const finish = (): void => {
      const outcome = queue.result(id);
      if (!outcome) return;
      signal.removeEventListener('abort', cancel);
      unsubscribe();
      resolve(outcome);
    };
    const unsubscribe = queue.onChange(id, finish);
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    finish();
  });
}
