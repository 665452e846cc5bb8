import type { RequestOutcome } from '../queue/types.ts';
import { platformError } from '../wire/errors.ts';
import { dependenciesOf, type WorkflowContents, type WorkflowNode } from './contents.ts';
import { hydrate, ReferenceProblem } from './references.ts';

/** Performs a run node: a queued request to its app. `signal`: the workflow is over, the request is not wanted any more. */
export type CallNode = (
  order: { readonly nodeId: string; readonly app: string; readonly input: unknown },
  signal: AbortSignal,
) => Promise<RequestOutcome>;

/**
 * Runs a workflow once (rest-api.md §7): each node as soon as those before it are done, so that independent ones run in parallel. The
 * first node that fails ends it: the rest is cancelled, the outcome has that node's status. Display nodes do nothing on a server.
 * Never rejects but with what `call` rejects with.
 */
export async function runWorkflow(
  contents: WorkflowContents,
  input: unknown,
  call: CallNode,
  cancelled: AbortSignal,
): Promise<RequestOutcome> {
  const values = new Map<string, unknown>([['input', input]]);
  const running = new Map<string, Promise<void>>();
  const over = new AbortController();
  const signal = AbortSignal.any([cancelled, over.signal]);

  const done = (id: string): Promise<void> => {
    const promise = running.get(id) ?? perform(id);
    running.set(id, promise);
    return promise;
  };
  async function perform(id: string): Promise<void> {
    const node = contents.nodes[id];
    if (!node) return;
    await Promise.all([...dependenciesOf(node)].map(done));
    if (node.type === 'display') return void values.set(id, null);
    const order = { nodeId: id, app: node.app, input: hydrate(node.input, values) };
    if (signal.aborted) throw new NodeFailure(cancelledOutcome);
    values.set(id, valueOfNode(node, await call(order, signal)));
  }

  try {
    await Promise.all(Object.keys(contents.nodes).map(done));
    return json(200, hydrate(contents.output, values));
  } catch (error) {
    // The other nodes fail soon too; the first is the one to tell.
    for (const promise of running.values()) promise.catch(() => undefined);
    if (cancelled.aborted) return cancelledOutcome;
    if (error instanceof NodeFailure) return error.outcome;
    if (error instanceof ReferenceProblem) return json(422, { detail: [missing(error)] });
    throw error;
  } finally {
    over.abort();
  }
}

class NodeFailure extends Error {
  readonly outcome: RequestOutcome;
  constructor(outcome: RequestOutcome) {
    super('a node failed');
    this.outcome = outcome;
  }
}

const cancelledOutcome: RequestOutcome = {
  kind: 'error',
  error: platformError('client_cancelled', 'The request was cancelled.'),
};

/** What later nodes may refer to; a failed node ends the workflow with its own status. */
function valueOfNode({ id, app }: WorkflowNode & { readonly app: string }, outcome: RequestOutcome): unknown {
  const { status, body } =
    outcome.kind === 'response'
      ? { status: outcome.response.status, body: parse(outcome.response.body) }
      : { status: outcome.error.status, body: { detail: outcome.error.detail, error_type: outcome.error.type } };
  if (status >= 200 && status < 300 && body !== undefined) return body;
  const problem = status >= 400 ? `failed with status ${status}` : 'did not answer with JSON';
  const detail = `Node ${JSON.stringify(id)} (${app}) ${problem}.`;
  throw new NodeFailure(json(status >= 400 ? status : 500, { detail, node_id: id, error: body ?? null }));
}

/** As a missing field of a body is worded (gateway-http.md §9). */
function missing({ message, reference }: ReferenceProblem): object {
  return {
    loc: [reference?.name === 'input' ? 'body' : 'workflow', ...(reference?.path ?? [])],
    msg: message,
    type: 'missing',
  };
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

export function json(status: number, value: unknown): RequestOutcome {
  const body = Buffer.from(JSON.stringify(value));
  return { kind: 'response', response: { status, headers: [['content-type', 'application/json']], body } };
}
