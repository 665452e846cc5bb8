import type { Account, Routes } from '../catalog/types.ts';
import type { Fleet } from '../fleet/types.ts';
import { platformError } from '../wire/errors.ts';
import { isWorkflow, type WorkflowRequests, workflowAlias } from './requests.ts';
import type { Workflows } from './workflows.ts';

/** Callable names: those of apps, and `workflows/owner/name`. A public workflow is open to any account, whose own rights its nodes use. */
export function withWorkflowRoutes(routes: Routes, account: Account, workflows: Pick<Workflows, 'get'>): Routes {
  return {
    resolve(owner, name) {
      const workflow = owner === `workflows/${account.nickname}` ? workflows.get(name) : undefined;
      if (!workflow) return routes.resolve(owner, name);
      return {
        alias: workflowAlias(name),
        revision: 'workflow',
        authMode: workflow.isPublic ? 'shared' : 'private',
        requestStartTimeoutSeconds: null,
        privateLogs: false,
      };
    },
  };
}

type Requests = Pick<Fleet, 'lease' | 'enqueue' | 'cancel'>;

/** Who performs a request: the fleet, or for workflows we ourselves. They have no runner, so nothing of theirs is the scheduler's business. */
export function withWorkflowRequests<F extends Requests>(fleet: F, requests: WorkflowRequests): F {
  return {
    ...fleet,
    async lease(info, gone) {
      if (!isWorkflow(info.alias)) return fleet.lease(info, gone);
      return platformError('bad_request', 'A workflow is called with HTTP on the run or the queue host.');
    },
    enqueue: (info) => (isWorkflow(info.alias) ? requests.enqueue(info.id) : fleet.enqueue(info)),
    cancel: (id) => requests.cancel(id) ?? fleet.cancel(id),
  };
}
