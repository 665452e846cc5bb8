import type { Engine } from '../engines/engine.ts';
import type { Builds } from './types.ts';

/** Builds for those who are about to run something in what is built: the engine makes it ready at once. */
export function warmingBuilds(builds: Builds, engine: Pick<Engine, 'warm'>): Builds {
  return {
    async build(...order) {
      const built = await builds.build(...order);
      if (built.kind === 'built') engine.warm(built.environment);
      return built;
    },
  };
}
