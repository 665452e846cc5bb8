import type { Fleet } from '../fleet/types.ts';
import type { RequestOutcome } from '../queue/types.ts';
import { platformError } from '../wire/errors.ts';
import { isWorkflow, type WorkflowCall, type WorkflowRequests } from './requests.ts';
import type { WorkflowEvent } from './run.ts';

/** What performs requests of apps. */
type Apps = Pick<Fleet, 'lease' | 'enqueue' | 'takeUp' | 'cancel'>;

/** Takes requests of every kind; each call means what it means in `Fleet`. */
export interface Dispatcher extends Apps {
  /** A call of a workflow that is not in the queue: `WorkflowRequests.run`. Never rejects. */
  runWorkflow(call: WorkflowCall, gone: AbortSignal, onEvent?: (event: WorkflowEvent) => void): Promise<RequestOutcome>;
}

/**
 * Decides who performs a request: for apps the fleet, for workflows we ourselves. Those have no runner, so nothing of
 * theirs is the scheduler's business; the requests of their nodes come back here, because a node may be a workflow too.
 */
export function createDispatcher(apps: Apps, workflows: WorkflowRequests): Dispatcher {
  const dispatcher: Dispatcher = {
    async lease(info, gone) {
      if (!isWorkflow(info.alias)) return apps.lease(info, gone);
      return platformError('bad_request', 'A workflow has no websocket.');
    },
    enqueue(info) {
      if (isWorkflow(info.alias)) workflows.enqueue(info.id, dispatcher);
      else apps.enqueue(info);
    },
    takeUp(infos) {
      for (const { id, alias } of infos) if (isWorkflow(alias)) workflows.enqueue(id, dispatcher);
      apps.takeUp(infos.filter(({ alias }) => !isWorkflow(alias)));
    },
    cancel: (id) => workflows.cancel(id) ?? apps.cancel(id),
    runWorkflow: (call, gone, onEvent) => workflows.run(call, dispatcher, gone, onEvent),
  };
  return dispatcher;
}
