import type { AppFile, BuiltEnvironment } from '../engines/engine.ts';

/** A synced file that a Dockerfile may copy; its path is below the build context. */
export interface ContextFile extends AppFile {
  /** SHA-256 of its content and mode. */
  readonly hash: string;
}

/** An `EnvironmentDefinition` as it arrived (docs/platform/control-plane.md#environments). */
export interface EnvironmentDefinition {
  /** Any word: builds.ts decides which kinds are known. */
  readonly kind: string;
  /** Specific to the kind; the builder of the kind checks it. */
  readonly configuration: { readonly [key: string]: unknown };
  readonly force: boolean;
  /**
   * The deployment environment (`main`, `dev`) that it is for: its requirements may name the secrets of that
   * environment.
   */
  readonly secretsOf: string;
  /**
   * The release of the SDK that runners of this environment also need (sdk-release.ts); not part of the environment
   * itself.
   */
  readonly sdk?: string;
  /** The synced files: the build context of a container. */
  readonly files?: readonly ContextFile[];
}

export interface BuildLog {
  readonly at: number;
  readonly level: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR';
  readonly message: string;
}

export type BuildResult<Environment extends BuiltEnvironment = BuiltEnvironment> =
  | { readonly kind: 'built'; readonly environment: Environment; readonly cached: boolean }
  | BuildFailure;

/** `reason`: the tool's own message, for the user who deploys (INVALID_ARGUMENT). */
export interface BuildFailure {
  readonly kind: 'failed';
  readonly reason: string;
  /**
   * Set if requirements couldn't be installed: the one that the tool names, as it was registered; `null`: it names
   * none.
   */
  readonly requirement?: string | null;
}

export interface Builds<Environment extends BuiltEnvironment = BuiltEnvironment> {
  /**
   * Builds the environment, or finds it by its content hash; concurrent calls for one hash share one build.
   * Log lines stream out as the tool prints them. `signal` cancels the wait (and the build when nobody else waits).
   */
  build(
    definition: EnvironmentDefinition,
    log: (line: BuildLog) => void,
    signal?: AbortSignal,
  ): Promise<BuildResult<Environment>>;
}

/** Builds the environments of one kind, for the engine of that kind. */
export interface Builder<Environment extends BuiltEnvironment = BuiltEnvironment> extends Builds<Environment> {
  /** Cancels all builds and waits until they have ended. */
  close(): Promise<void>;
}
