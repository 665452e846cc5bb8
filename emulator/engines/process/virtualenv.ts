import type { BuiltEnvironment } from '../engine.ts';

/** What the builder of virtualenvs and the engine that runs them on this machine know of one. */
export interface Virtualenv extends BuiltEnvironment {
  readonly kind: 'virtualenv';
  /** Its interpreter. */
  readonly python: string;
  /** Folders appended to the module search path after the environment's own packages (the agent's packages). */
  readonly extraPaths: readonly string[];
}
