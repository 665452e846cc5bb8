import { isOwner } from '../../../catalog/owner.ts';
import type { RestDeps } from '../deps.ts';

/** Which apps have pages: those that are deployed, and those of a `fal run`, also when it has ended. */
export type KnowsApp = (owner: string, app: string) => boolean;

export function createKnowsApp(deps: Pick<RestDeps, 'catalog' | 'runs' | 'fleet' | 'runnerHistory'>): KnowsApp {
  const { catalog, runs, fleet, runnerHistory } = deps;
  return (owner, app) =>
    isOwner(catalog.account, owner) &&
    (catalog.alias(app) !== undefined ||
      runs.get(app) !== undefined ||
      fleet.runners(app).length > 0 ||
      runnerHistory.appNameOf(app) !== undefined);
}
