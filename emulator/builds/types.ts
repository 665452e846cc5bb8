import type { BuiltEnvironment } from '../engines/engine.ts';

/** An `EnvironmentDefinition` after its configuration was checked (docs/platform/control-plane.md#environments). */
export interface EnvironmentDefinition {
  readonly kind: 'virtualenv' | 'conda' | 'container';
  readonly configuration: { readonly [key: string]: unknown };
  readonly force: boolean;
  /**
   * Release of the SDK that runners of this environment also need (sdk-release.ts); not part of the environment itself.
   */
  readonly sdk?: string;
}

export interface BuildLog {
  readonly at: number;
  readonly level: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR';
  readonly message: string;
}

export type BuildResult =
  | { readonly kind: 'built'; readonly environment: BuiltEnvironment; readonly cached: boolean }
  /** `reason`: the tool's own words, for the person who deploys (INVALID_ARGUMENT). */
  | { readonly kind: 'failed'; readonly reason: string };

export interface Builds {
  /**
   * Builds the environment, or finds it by its content hash; concurrent calls for one hash share one build.
   * Log lines stream out as the tool prints them. `signal` cancels the wait (and the build when nobody else waits).
   */
  build(definition: EnvironmentDefinition, log: (line: BuildLog) => void, signal?: AbortSignal): Promise<BuildResult>;
}
