import { createHash } from 'node:crypto';
import type { Fleet } from '../fleet/types.ts';
import { asDiskTrouble } from '../local/disk-trouble.ts';
import { contain, type Report } from '../local/loop/contain.ts';
import type { Queue, RequestOutcome, SubmittedRequest } from '../queue/types.ts';
import { platformError } from '../wire/errors.ts';
import { adHocWorkflow, type WorkflowContents } from './contents.ts';
import { json, type Order, runWorkflow, type WorkflowEvent } from './run.ts';
import { createTraced, type WorkflowTrace } from './trace.ts';
import type { Workflows } from './types.ts';
import { readValue } from './values.ts';

/** A request that a node makes to an app on behalf of the workflow's caller. */
export interface NodeRequest {
  readonly id: string;
  /** `owner/alias[/path]` */
  readonly app: string;
  readonly body: Uint8Array;
  /** Nesting depth of workflow calls. */
  readonly depth: number;
  readonly caller: Caller;
  /**
   * `keep`: the workflow was already accepted, so the request waits for disk space. `refuse`: the caller still waits
   * for an answer, so the request can be refused.
   */
  readonly whenFull: 'refuse' | 'keep';
}

type Caller = Pick<SubmittedRequest, 'callerId' | 'priority' | 'storeIo' | 'noRetry'>;

/**
 * Submits the request to the queue, or finds the existing one with this ID, calls `submitted`, and waits for the end of
 * the request. `signal` cancels the request (docs/platform/gateway.md#cancel); the promise still waits for its end.
 */
export type CallApp = (
  request: NodeRequest,
  performers: Performers,
  signal: AbortSignal,
  submitted: () => void,
) => Promise<RequestOutcome>;

/** Runs and cancels submitted requests: the dispatcher. */
export type Performers = Pick<Fleet, 'enqueue' | 'cancel'>;

/** A workflow call, queued or direct. */
export interface WorkflowCall extends Caller {
  readonly id: string;
  readonly alias: string;
  readonly path: string;
  readonly body: Uint8Array;
  readonly depth: number;
}

export interface WorkflowRequests {
  /**
   * Runs a request of the durable queue to its end; called again after a restart. `performers` run the requests of its
   * nodes.
   */
  enqueue(id: string, performers: Performers): void;
  /** Returns `undefined` if no queued workflow request with this ID is running. */
  cancel(id: string): 'requested' | undefined;
  /**
   * Runs a workflow call that isn't in the queue; the requests of its nodes are. `onEvent` receives each step. Never
   * rejects.
   */
  run(
    call: WorkflowCall,
    performers: Performers,
    gone: AbortSignal,
    onEvent?: (event: WorkflowEvent) => void,
  ): Promise<RequestOutcome>;
}

/** App aliases have no slash, so this prefix distinguishes workflows from apps wherever an alias is used. */
const prefix = 'workflows/';
export const workflowAlias = (name: string): string => `${prefix}${name}`;
/**
 * The alias of `workflows/execute`, whose request body contains the workflow. No published workflow has this alias,
 * because names have no slash.
 */
export const executeAlias = `${prefix}/execute`;
export const isWorkflow = (alias: string): boolean => alias.startsWith(prefix);

/** As callers write it. */
const shownAlias = ({ alias }: { readonly alias: string }): string =>
  alias === executeAlias ? `${prefix}execute` : alias;

/** Stored with a queued request, so that workflows that call each other in a cycle end. */
export const depthHeader = 'x-fal-workflow-depth';
const maxDepth = 8;

/**
 * Requests to workflows. A request in the durable queue survives a restart: it runs again from its start. The IDs of
 * its nodes' requests are derived from its own ID, so those that were already submitted are found and not repeated.
 * differs: the behaviour of the cloud isn't documented.
 */
export function createWorkflowRequests(deps: {
  readonly workflows: Pick<Workflows, 'get'>;
  readonly queue: Pick<Queue, 'begin' | 'complete' | 'submitted' | 'cancelRequested' | 'number' | 'takeNumber'>;
  /** Is called with what happens to each request of a workflow; those of its nodes are reported by who runs them. */
  readonly trace: WorkflowTrace;
  readonly callApp: CallApp;
  readonly clock: () => number;
  /** Receives unexpected errors, for the emulator's own log. */
  readonly report: Report;
}): WorkflowRequests {
  const running = new Map<string, AbortController>();
  const traced = createTraced(deps);

  async function run(
    call: WorkflowCall,
    performers: Performers,
    whenFull: NodeRequest['whenFull'],
    gone: AbortSignal,
    onEvent: (event: WorkflowEvent) => void = () => undefined,
  ): Promise<RequestOutcome> {
    const read = await readCall(deps.workflows, call);
    if ('kind' in read) return read;
    const nodeRequest = ({ requestId, app, input }: Order): NodeRequest => ({
      id: requestId,
      app,
      body: Buffer.from(JSON.stringify(input ?? null)),
      depth: call.depth + 1,
      caller: { callerId: call.callerId, priority: call.priority, storeIo: call.storeIo, noRetry: call.noRetry },
      whenFull,
    });
    try {
      return await runWorkflow(
        read.contents,
        read.input,
        (order, signal, submitted) => deps.callApp(nodeRequest(order), performers, signal, submitted),
        gone,
        { requestIdOf: (nodeId) => nodeRequestId(call.id, nodeId), onEvent: contain(deps.report, onEvent) },
      );
    } catch (error) {
      deps.report(error);
      const disk = asDiskTrouble(error);
      const detail = disk ? `${disk.message} ${disk.next}` : 'The workflow could not be run.';
      return { kind: 'error', error: platformError('internal_error', detail) };
    }
  }

  async function perform(
    id: string,
    request: SubmittedRequest,
    performers: Performers,
    signal: AbortSignal,
  ): Promise<void> {
    deps.queue.begin(id, { attemptId: id, runnerId: 'workflow', at: deps.clock() });
    traced.begin({
      id,
      alias: shownAlias(request),
      kind: 'queue',
      path: request.path,
      submittedAt: request.submittedAt,
    });
    const depth = Number(request.headers.find(([name]) => name === depthHeader)?.[1] ?? 0);
    const outcome = await run({ ...request, depth }, performers, 'keep', signal);
    await complete(id, outcome);
  }

  async function complete(id: string, outcome: RequestOutcome): Promise<void> {
    traced.end(id, outcome);
    await deps.queue.complete(id, outcome, deps.clock());
  }

  return {
    async run(call, performers, gone, onEvent) {
      const { id, path } = call;
      traced.begin({ id, alias: shownAlias(call), kind: 'direct', path, submittedAt: deps.clock() });
      const outcome = await run(call, performers, 'refuse', gone, onEvent);
      traced.end(id, outcome);
      return outcome;
    },
    enqueue(id, performers) {
      if (running.has(id)) return;
      const request = deps.queue.submitted(id);
      if (!request) {
        // The stored request was damaged when it was read after a restart.
        deps.queue.complete(id, broken, deps.clock()).catch(deps.report);
        return;
      }
      const abort = new AbortController();
      running.set(id, abort);
      perform(id, request, performers, abort.signal)
        .catch((error: unknown) => {
          deps.report(error);
          return complete(id, broken);
        })
        .catch(deps.report)
        .finally(() => running.delete(id));
    },
    cancel(id) {
      const abort = running.get(id);
      if (!abort) return undefined;
      deps.queue.cancelRequested(id);
      abort.abort();
      return 'requested';
    },
  };
}

const broken: RequestOutcome = {
  kind: 'error',
  error: platformError('internal_error', 'The workflow could not be run.'),
};

/** Reads the workflow and its input, or the reason why they can't run. */
async function readCall(
  workflows: Pick<Workflows, 'get'>,
  call: WorkflowCall,
): Promise<RequestOutcome | { readonly contents: WorkflowContents; readonly input: unknown }> {
  const contents = call.alias === executeAlias ? undefined : workflows.get(call.alias.slice(prefix.length))?.contents;
  if (!contents && call.alias !== executeAlias) return json(404, { detail: 'The workflow no longer exists.' });
  if (call.path !== '/') return json(404, { detail: `Path ${call.path} not found` });
  if (call.depth >= maxDepth)
    return json(400, { detail: `Workflows call each other more than ${maxDepth} levels deep.` });
  const read = call.body.length === 0 ? ({ kind: 'value', value: {} } as const) : await readValue(call.body);
  if (read.kind === 'too much') return json(413, { detail: read.problem });
  if (read.kind === 'no JSON') {
    return json(422, { detail: [{ loc: ['body'], msg: 'The body is not JSON.', type: 'json_invalid' }] });
  }
  const body = read.value;
  if (contents) return { contents, input: body };
  const checked = adHocWorkflow.safeParse(body);
  if (checked.success) return checked.data;
  const detail = checked.error.issues.map(({ path, message }) => {
    return { loc: ['body', ...path], msg: message, type: 'value_error' };
  });
  return json(422, { detail });
}

/** A UUID derived from the request and the node. */
function nodeRequestId(requestId: string, nodeId: string): string {
  const hex = createHash('sha256').update(`${requestId}\0${nodeId}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}
