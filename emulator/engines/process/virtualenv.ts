import type { BuiltEnvironment } from '../engine.ts';

/** What the builder of virtualenvs and this machine's engine for them know about a virtualenv. */
export interface Virtualenv extends BuiltEnvironment {
  readonly kind: 'virtualenv';
  /** Its interpreter. */
  readonly python: string;
  /** Folders appended to the module search path after the environment's own packages (the agent's packages). */
  readonly extraPaths: readonly string[];
}
