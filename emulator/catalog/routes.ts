import { isOwner } from './owner.ts';
import type { Catalog, Route, Routes } from './types.ts';

export interface LocalRoutes extends Routes {
  /**
   * Makes an ephemeral app callable by `route.alias`, a UUID, while its Run stream is open
   * (docs/platform/control-plane.md#run).
   */
  addEphemeral(route: Route): void;
  removeEphemeral(name: string): void;
}

/** Callable names of the local account: its aliases by wire name, and the ephemeral apps of the moment. */
export function createRoutes({ catalog }: { readonly catalog: Catalog }): LocalRoutes {
  const ephemeral = new Map<string, Route>();
  return {
    resolve(owner, name) {
      if (!isOwner(catalog.account, owner)) return undefined;
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
