import type { RequestOutcome } from '../queue/types.ts';
import { platformError } from '../wire/errors.ts';
import { dependenciesOf, type WorkflowContents } from './contents.ts';
import { hydrate, ReferenceProblem } from './references.ts';
import { type Read, readValue } from './values.ts';

/** A step of a running workflow, with the documented names. The `node_id` of the last step is `output`. */
export type WorkflowEvent =
  | { readonly type: 'submit'; readonly node_id: string; readonly app_id: string; readonly request_id: string }
  | { readonly type: 'completion'; readonly node_id: string; readonly app_id: string; readonly output: unknown }
  | { readonly type: 'output'; readonly node_id: 'output'; readonly output: unknown }
  | {
      readonly type: 'error';
      readonly node_id: string;
      readonly message: string;
      readonly error: { readonly status: number; readonly body: unknown };
    };

/** The request of a run node to its app. */
export interface Order {
  readonly nodeId: string;
  readonly requestId: string;
  readonly app: string;
  readonly input: unknown;
}

/**
 * Makes the queued request of a node. Calls `submitted` when the request is in the queue. `signal` aborts when the
 * workflow is over and the request is no longer needed.
 */
export type CallNode = (order: Order, signal: AbortSignal, submitted: () => void) => Promise<RequestOutcome>;

/**
 * Runs a workflow once (docs/platform/rest.md#workflows). Each node starts as soon as its dependencies are done, so
 * that independent nodes run in parallel. The first node that fails ends the workflow: the others are cancelled, and
 * the outcome has the status of that node. Display nodes do nothing on a server. Rejects only with an error from
 * `call`.
 *
 * @param about `requestIdOf`: ID of a node's request. `onEvent`: receives every step, and nothing after a cancellation.
 */
export async function runWorkflow(
  contents: Pick<WorkflowContents, 'nodes' | 'output'>,
  input: unknown,
  call: CallNode,
  cancelled: AbortSignal,
  about: { readonly requestIdOf: (nodeId: string) => string; readonly onEvent?: (event: WorkflowEvent) => void },
): Promise<RequestOutcome> {
  const values = new Map<string, unknown>([['input', input]]);
  const running = new Map<string, Promise<void>>();
  const over = new AbortController();
  const signal = AbortSignal.any([cancelled, over.signal]);
  const onEvent = (event: WorkflowEvent): void => {
    if (!signal.aborted) about.onEvent?.(event);
  };

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
    const order = { nodeId: id, requestId: about.requestIdOf(id), app: node.app, input: resolve(id, node.input) };
    if (signal.aborted) throw new NodeFailure(id, cancelledOutcome);
    const names = { node_id: id, app_id: node.app };
    const outcome = await call(order, signal, () => onEvent({ type: 'submit', ...names, request_id: order.requestId }));
    const output = await valueOfNode(order, outcome);
    values.set(id, output);
    onEvent({ type: 'completion', ...names, output });
  }

  function resolve(nodeId: string, value: unknown): unknown {
    try {
      return hydrate(value, values);
    } catch (error) {
      if (error instanceof ReferenceProblem) throw missing(nodeId, error);
      throw error;
    }
  }

  try {
    await Promise.all(Object.keys(contents.nodes).map(done));
    const output = resolve('output', contents.output);
    onEvent({ type: 'output', node_id: 'output', output });
    return json(200, output);
  } catch (error) {
    // The other nodes will fail soon, too; report only the first failure.
    for (const promise of running.values()) promise.catch(() => undefined);
    if (cancelled.aborted) return cancelledOutcome;
    if (!(error instanceof NodeFailure)) throw error;
    onEvent({ type: 'error', node_id: error.nodeId, message: error.message, error: error.details });
    return error.outcome;
  } finally {
    over.abort();
  }
}

/** `message` and `details` are the contents of the `error` event. */
class NodeFailure extends Error {
  readonly nodeId: string;
  readonly outcome: RequestOutcome;
  readonly details: { readonly status: number; readonly body: unknown };
  constructor(
    nodeId: string,
    outcome: RequestOutcome,
    message = 'a node failed',
    details: NodeFailure['details'] = { status: 499, body: null },
  ) {
    super(message);
    this.nodeId = nodeId;
    this.outcome = outcome;
    this.details = details;
  }
}

const cancelledOutcome: RequestOutcome = {
  kind: 'error',
  error: platformError('client_cancelled', 'The request was cancelled.'),
};

/** The value that later nodes may refer to. A failed node ends the workflow with its own status. */
async function valueOfNode({ nodeId, app, requestId }: Order, outcome: RequestOutcome): Promise<unknown> {
  const { status, read } = await contentOf(outcome);
  const isOk = status >= 200 && status < 300;
  if (isOk && read.kind === 'value') return read.value;
  const problem = status >= 400 ? `failed with status ${status}.` : describeNoValue(read);
  const detail = `Node ${JSON.stringify(nodeId)} (${app}) ${problem}`;
  const error = read.kind === 'value' ? read.value : null;
  throw new NodeFailure(
    nodeId,
    json(status >= 400 ? status : 500, { detail, node_id: nodeId, error }),
    `Error while fetching the result of the request ${requestId}`,
    { status, body: error },
  );
}

async function contentOf(outcome: RequestOutcome): Promise<{ readonly status: number; readonly read: Read }> {
  if (outcome.kind === 'response') {
    const { status, body } = outcome.response;
    return { status, read: await readValue(body) };
  }
  const { status, detail, type } = outcome.error;
  return { status, read: { kind: 'value', value: { detail, error_type: type } } };
}

function describeNoValue(read: Read): string {
  return read.kind === 'too much' ? `returned too much data. ${read.problem}` : 'did not answer with JSON.';
}

/** Uses the wording for a missing field of a body (docs/platform/gateway.md#errors). */
function missing(nodeId: string, { message, reference }: ReferenceProblem): NodeFailure {
  const loc = [reference?.name === 'input' ? 'body' : 'workflow', ...(reference?.path ?? [])];
  const body = { detail: [{ loc, msg: message, type: 'missing' }] };
  return new NodeFailure(nodeId, json(422, body), message, { status: 422, body });
}

export function json(status: number, value: unknown): RequestOutcome {
  const body = Buffer.from(JSON.stringify(value));
  return { kind: 'response', response: { status, headers: [['content-type', 'application/json']], body } };
}
