import type { Event } from '../scheduler/events.ts';
import type { Deployment, DeployResult, Launch } from './types.ts';

/** Deploys that are under way, and the launches that came with one. */
export interface Deploys {
  /** See `Fleet.deploy`. */
  deploy(deployment: Deployment, launch?: Launch): Promise<DeployResult>;
  /** The oldest deploy of the alias has ended. */
  settle(alias: string, result: DeployResult): void;
  /** See `Fleet.removeAlias`. */
  removeAlias(alias: string): void;
  /** The launch of a revision that came with its deploy. */
  launchOf(revision: string): Launch | undefined;
}

export function createDeploys(dispatch: (event: Event) => void): Deploys {
  /** By revision: ephemeral apps have no other home. */
  const launches = new Map<string, { readonly alias: string; readonly launch: Launch }>();
  /** The oldest first: the scheduler ends the one under way before it begins the next. */
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
