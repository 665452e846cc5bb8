import type { Fleet } from '../fleet/types.ts';
import type { RequestOutcome } from '../queue/types.ts';
import { platformError } from '../wire/errors.ts';
import { isWorkflow, type WorkflowCall, type WorkflowRequests } from './requests.ts';
import type { WorkflowEvent } from './run.ts';

/** Runs the requests of apps. */
type Apps = Pick<Fleet, 'lease' | 'enqueue' | 'enqueueRecovered' | 'cancel'>;

/** Accepts requests of every kind; each method works as in `Fleet`. */
export interface Dispatcher extends Apps {
  /** Runs a workflow call that isn't in the queue; see `WorkflowRequests.run`. Never rejects. */
  runWorkflow(call: WorkflowCall, gone: AbortSignal, onEvent?: (event: WorkflowEvent) => void): Promise<RequestOutcome>;
}

/**
 * Routes a request: the fleet runs requests of apps, this folder runs requests of workflows. Workflows have no runner,
 * so the scheduler doesn't know them. The requests of their nodes come back here, because a node may be a workflow,
 * too.
 */
export function createDispatcher(apps: Apps, workflows: WorkflowRequests): Dispatcher {
  const dispatcher: Dispatcher = {
    async lease(info, gone) {
      if (!isWorkflow(info.alias)) return apps.lease(info, gone);
      return platformError('bad_request', "Workflows don't support websockets.");
    },
    enqueue(info) {
      if (isWorkflow(info.alias)) workflows.enqueue(info.id, dispatcher);
      else apps.enqueue(info);
    },
    enqueueRecovered(infos) {
      for (const { id, alias } of infos) if (isWorkflow(alias)) workflows.enqueue(id, dispatcher);
      apps.enqueueRecovered(infos.filter(({ alias }) => !isWorkflow(alias)));
    },
    cancel: (id) => workflows.cancel(id) ?? apps.cancel(id),
    runWorkflow: (call, gone, onEvent) => workflows.run(call, dispatcher, gone, onEvent),
  };
  return dispatcher;
}
