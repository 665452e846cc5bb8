import { isOwner } from '../catalog/owner.ts';
import type { AuthMode, Catalog } from '../catalog/types.ts';
import { executeAlias, workflowAlias } from '../workflows/requests.ts';
import type { Workflows } from '../workflows/types.ts';

/**
 * What the gateway needs to know about a callable name: a deployed alias, an ephemeral app while its Run stream is
 * open, or a workflow.
 */
export interface Route {
  /** The name inside the fleet: wire name or UUID; for a workflow, see `workflowAlias`. */
  readonly alias: string;
  readonly revision: string;
  readonly authMode: AuthMode;
  readonly requestStartTimeoutSeconds: number | null;
  readonly privateLogs: boolean;
}

export interface Routes {
  /** `undefined`: unknown owner or name. */
  resolve(owner: string, name: string): Route | undefined;
}

export interface LocalRoutes extends Routes {
  /**
   * Makes an ephemeral app callable by `route.alias`, a UUID, while its Run stream is open
   * (docs/platform/control-plane.md#run).
   */
  addEphemeral(route: Route): void;
  removeEphemeral(name: string): void;
}

const shift = 'workflows/';

/** The alias of requests to this name, whether or not it is callable now. */
export function aliasOf(owner: string, name: string): string {
  return owner.startsWith(shift) ? workflowAlias(name) : name;
}

/**
 * Every callable name of the local account: its aliases by wire name, the current ephemeral apps, its workflows as
 * `workflows/owner/name`, and `workflows/execute`, whose body says what to run. A public workflow is open to any
 * account; its nodes run with the rights of the calling account.
 */
export function createRoutes(deps: {
  readonly catalog: Pick<Catalog, 'account' | 'alias' | 'revision'>;
  readonly workflows: Pick<Workflows, 'get'>;
}): LocalRoutes {
  const { catalog, workflows } = deps;
  const ephemeral = new Map<string, Route>();
  return {
    resolve(owner, name) {
      if (owner === 'workflows' && name === 'execute') return workflowRoute(executeAlias, true);
      const isShifted = owner.startsWith(shift);
      if (!isOwner(catalog.account, isShifted ? owner.slice(shift.length) : owner)) return undefined;
      if (isShifted) {
        const workflow = workflows.get(name);
        return workflow && workflowRoute(workflowAlias(name), workflow.isPublic);
      }
      const alias = catalog.alias(name);
      if (!alias) return ephemeral.get(name);
      return {
        alias: alias.name,
        revision: alias.revision,
        authMode: alias.authMode,
        requestStartTimeoutSeconds: alias.scale.requestStartTimeoutSeconds,
        privateLogs: catalog.revision(alias.revision)?.privateLogs ?? false,
      };
    },
    addEphemeral: (route) => void ephemeral.set(route.alias, route),
    removeEphemeral: (name) => void ephemeral.delete(name),
  };
}

function workflowRoute(alias: string, isPublic: boolean): Route {
  return {
    alias,
    revision: 'workflow',
    authMode: isPublic ? 'shared' : 'private',
    requestStartTimeoutSeconds: null,
    privateLogs: false,
  };
}
