import type { Event } from '../scheduler/events.ts';
import type { Deployment, DeployResult, Launch, ReloadOrder } from './types.ts';

/** Deploys in progress, and the launches that were passed with a deploy. */
export interface Deploys {
  /** See `Fleet.deploy`. */
  deploy(deployment: Deployment, launch?: Launch): Promise<DeployResult>;
  /** The same for a reload. */
  reload(order: ReloadOrder, launch: Launch): Promise<DeployResult>;
  /** Resolves the oldest deploy of the alias to this revision. */
  settle(alias: string, revision: string, result: DeployResult): void;
  /** See `Fleet.removeAlias`. */
  removeAlias(alias: string): void;
  /** The launch that was passed with the deploy of the revision. */
  launchOf(revision: string): Launch | undefined;
}

export function createDeploys(dispatch: (event: Event) => void): Deploys {
  /** By revision. Launches of ephemeral apps are stored only here. */
  const launches = new Map<string, { readonly alias: string; readonly launch: Launch }>();
  /** By alias, oldest first. */
  const underWay = new Map<string, Pending[]>();

  function begin(alias: string, revision: string, event: Event): Promise<DeployResult> {
    return new Promise((settle) => {
      underWay.set(alias, [...(underWay.get(alias) ?? []), { revision, settle }]);
      dispatch(event);
    });
  }

  return {
    deploy(deployment, launch) {
      const { alias, revision } = deployment;
      if (launch) launches.set(revision, { alias, launch });
      return begin(alias, revision, { type: 'aliasDeployed', ...deployment });
    },
    async reload(order, launch) {
      const { alias, revision } = order;
      launches.set(revision, { alias, launch });
      const ended = await begin(alias, revision, { type: 'aliasReloaded', ...order });
      if (ended.kind === 'moved') forgetOthers(alias, revision);
      return ended;
    },
    settle(alias, revision, result) {
      const all = underWay.get(alias) ?? [];
      const found = all.find((deploy) => deploy.revision === revision);
      const others = all.filter((deploy) => deploy !== found);
      if (others.length > 0) underWay.set(alias, others);
      else underWay.delete(alias);
      found?.settle(result);
    },
    removeAlias(alias) {
      dispatch({ type: 'aliasDeleted', alias });
      forget(alias, new Set());
    },
    launchOf: (revision) => launches.get(revision)?.launch,
  };

  /** No runner of an earlier revision starts any more. */
  function forgetOthers(alias: string, revision: string): void {
    forget(alias, new Set([revision, ...(underWay.get(alias) ?? []).map((deploy) => deploy.revision)]));
  }

  function forget(alias: string, needed: ReadonlySet<string>): void {
    for (const [revision, held] of launches) {
      if (held.alias !== alias || needed.has(revision)) continue;
      launches.delete(revision);
      held.launch.release?.();
    }
  }
}

interface Pending {
  readonly revision: string;
  readonly settle: (result: DeployResult) => void;
}
