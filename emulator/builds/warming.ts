import type { Engine } from '../engines/engine.ts';
import type { Builds } from './types.ts';

/** Builds for callers that are about to start a runner in the environment: the engine prepares immediately. */
export function warmingBuilds(builds: Builds, engine: Pick<Engine, 'warm'>): Builds {
  return {
    async build(...order) {
      const built = await builds.build(...order);
      if (built.kind === 'built') engine.warm(built.environment);
      return built;
    },
  };
}
