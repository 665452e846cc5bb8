import type { Event } from '../scheduler/events.ts';
import type { Deployment, DeployResult, Launch } from './types.ts';

/** Deploys in progress, and the launches that were passed with a deploy. */
export interface Deploys {
  /** See `Fleet.deploy`. */
  deploy(deployment: Deployment, launch?: Launch): Promise<DeployResult>;
  /** Resolves the oldest deploy of the alias. */
  settle(alias: string, result: DeployResult): void;
  /** See `Fleet.removeAlias`. */
  removeAlias(alias: string): void;
  /** The launch that was passed with the deploy of the revision. */
  launchOf(revision: string): Launch | undefined;
}

export function createDeploys(dispatch: (event: Event) => void): Deploys {
  /** By revision. Launches of ephemeral apps are stored only here. */
  const launches = new Map<string, { readonly alias: string; readonly launch: Launch }>();
  /** Oldest first: the scheduler ends the current deploy before it begins the next one. */
  const underWay = new Map<string, ((result: DeployResult) => void)[]>();
  return {
    deploy(deployment, launch) {
      if (launch) launches.set(deployment.revision, { alias: deployment.alias, launch });
      return new Promise((settle) => {
        underWay.set(deployment.alias, [...(underWay.get(deployment.alias) ?? []), settle]);
        dispatch({ type: 'aliasDeployed', ...deployment });
      });
    },
    settle(alias, result) {
      const [settle, ...later] = underWay.get(alias) ?? [];
      if (later.length > 0) underWay.set(alias, later);
      else underWay.delete(alias);
      settle?.(result);
    },
    removeAlias(alias) {
      dispatch({ type: 'aliasDeleted', alias });
      for (const [revision, held] of launches) if (held.alias === alias) launches.delete(revision);
    },
    launchOf: (revision) => launches.get(revision)?.launch,
  };
}
