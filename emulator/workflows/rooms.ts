import type { Fleet } from '../fleet/types.ts';
import { platformError } from '../wire/errors.ts';
import { isWorkflow, type WorkflowRequests } from './requests.ts';

type Requests = Pick<Fleet, 'lease' | 'enqueue' | 'takeUp' | 'cancel'>;

/**
 * Who performs a request: the fleet, or for workflows we ourselves. They have no runner, so nothing of theirs is the
 * scheduler's business.
 */
export function withWorkflowRequests<F extends Requests>(fleet: F, requests: WorkflowRequests): F {
  return {
    ...fleet,
    async lease(info, gone) {
      if (!isWorkflow(info.alias)) return fleet.lease(info, gone);
      return platformError('bad_request', 'A workflow has no websocket.');
    },
    enqueue: (info) => (isWorkflow(info.alias) ? requests.enqueue(info.id) : fleet.enqueue(info)),
    takeUp(infos) {
      for (const { id, alias } of infos) if (isWorkflow(alias)) requests.enqueue(id);
      fleet.takeUp(infos.filter(({ alias }) => !isWorkflow(alias)));
    },
    cancel: (id) => requests.cancel(id) ?? fleet.cancel(id),
  };
}
