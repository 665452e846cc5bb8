import { isOwner } from '../catalog/owner.ts';
import type { Account, Route, Routes } from '../catalog/types.ts';
import type { Fleet } from '../fleet/types.ts';
import { platformError } from '../wire/errors.ts';
import { executeAlias, isWorkflow, type WorkflowRequests, workflowAlias } from './requests.ts';
import type { Workflows } from './types.ts';

const shift = 'workflows/';

/**
 * Callable names: those of apps, `workflows/owner/name`, and `workflows/execute`, whose body says what to run. A public
 * workflow is open to any account, whose own rights its nodes use.
 */
export function withWorkflowRoutes(routes: Routes, account: Account, workflows: Pick<Workflows, 'get'>): Routes {
  return {
    resolve(owner, name) {
      if (owner === 'workflows' && name === 'execute') return routeOf(executeAlias, true);
      const isOurs = owner.startsWith(shift) && isOwner(account, owner.slice(shift.length));
      const workflow = isOurs ? workflows.get(name) : undefined;
      if (!workflow) return routes.resolve(owner, name);
      return routeOf(workflowAlias(name), workflow.isPublic);
    },
  };
}

function routeOf(alias: string, isPublic: boolean): Route {
  return {
    alias,
    revision: 'workflow',
    authMode: isPublic ? 'shared' : 'private',
    requestStartTimeoutSeconds: null,
    privateLogs: false,
  };
}

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
