import type { RevisionSettings, ScaleSettings } from '../scheduler/types.ts';

export type AuthMode = 'private' | 'public' | 'shared';

export interface Account {
  /** `provider|id` */
  readonly userId: string;
  /** The name in URLs, the first path segment at the gateway. */
  readonly nickname: string;
  readonly fullName: string;
}

export interface FileRef {
  readonly hash: string;
  readonly relativePath: string;
}

/** One immutable registration: everything that is needed to start a runner of it again after a restart. */
export interface Revision {
  readonly id: string;
  /** The wire name under which it was registered. */
  readonly alias: string;
  readonly environmentName: string;
  readonly createdAt: number;
  /** Definitions as registered: kind + configuration (JSON). */
  readonly environments: readonly {
    readonly kind: string;
    readonly configuration: { readonly [k: string]: unknown };
  }[];
  /** Where the callable's bytes are stored: a hash in the blob store, or an entry point's name. */
  readonly callable:
    | { readonly kind: 'pickle'; readonly method: string; readonly blob: string }
    | { readonly kind: 'entrypoint'; readonly name: string }
    | { readonly kind: 'image' };
  readonly machineTypes: readonly string[];
  readonly numGpus: number | null;
  readonly exposedPort: number | null;
  /** Where the app serves metrics of its own; absent: it was registered without one. */
  readonly metricsPort?: number;
  readonly settings: RevisionSettings;
  /** Alias-level values as this registration sent them (shown by ListApplications). */
  readonly scale: ScaleSettings;
  readonly validRegions: readonly string[];
  readonly files: readonly FileRef[];
  /** Exact secret names; `null`: all default-exposed ones. */
  readonly secretNames: readonly string[] | null;
  /** The value as received; `null`: the field was absent. */
  readonly metadata: { readonly [k: string]: unknown } | null;
  readonly sourceCode: string | null;
  readonly privateLogs: boolean;
}

/** The mutable name that callers use. */
export interface Alias {
  readonly name: string;
  readonly environmentName: string;
  readonly revision: string;
  readonly authMode: AuthMode;
  readonly scale: ScaleSettings;
  /** The revision-level values in effect, after UpdateApplication. */
  readonly settings: RevisionSettings;
  readonly machineTypes: readonly string[];
  readonly validRegions: readonly string[];
  readonly updatedAt: number;
}

export interface KeyInfo {
  readonly keyId: string;
  readonly scope: 'ADMIN' | 'API';
  readonly alias: string;
  readonly createdAt: number;
}

export interface SecretInfo {
  readonly name: string;
  readonly environmentName: string;
  readonly createdAt: number;
  readonly defaultExposed: boolean;
}

export interface EnvironmentInfo {
  readonly name: string;
  readonly description: string | null;
  readonly isDefault: boolean;
  readonly createdAt: number;
}

/**
 * Accounts, keys, environments, secrets, revisions and aliases. Every write is committed when the call returns;
 * reads come from memory. Synchronous: one process, one embedded store.
 */
export interface Catalog {
  readonly account: Account;

  /** Compares in constant time with stored hashes; `undefined`: no such key. */
  verifyKey(keyId: string, secret: string): KeyInfo | undefined;
  createKey(scope: 'ADMIN' | 'API', alias: string): { readonly keyId: string; readonly keySecret: string };
  listKeys(): readonly KeyInfo[];
  /** `false`: unknown key. */
  revokeKey(keyId: string): boolean;

  listEnvironments(): readonly EnvironmentInfo[];
  createEnvironment(name: string, description: string | null): EnvironmentInfo | 'exists';
  /** Also removes its secrets and aliases. Returns the names of the removed aliases. */
  deleteEnvironment(name: string): { readonly aliases: readonly string[] } | 'unknown' | 'default';

  /** `value` null deletes the secret. `defaultExposed` undefined keeps the current setting (true for a new secret). */
  setSecret(name: string, value: string | null, environmentName: string, defaultExposed?: boolean): void;
  listSecrets(environmentName: string): readonly SecretInfo[];
  /** Values for a runner: all default-exposed ones, or exactly `names`. */
  secretValues(environmentName: string, names: readonly string[] | null): { readonly [name: string]: string };
  /**
   * The value for `${NAME}` in a requirement of an app in this environment: any secret of the same environment, exposed
   * to runners or not, and never one of another environment, including `main`. `undefined`: it is not set there.
   */
  buildSecret(environmentName: string, name: string): string | undefined;

  addRevision(revision: Revision): void;
  revision(id: string): Revision | undefined;
  /** Newest first; without a name, the revisions of all names in the environment. */
  revisions(environmentName: string | null, alias?: string): readonly Revision[];
  deleteRevision(id: string): boolean;

  /** Creates or replaces the alias. */
  putAlias(alias: Alias): void;
  /** A deploy succeeded. Takes effect at once; on a full disk, it is written as soon as there is room. */
  moveAlias(name: string, revision: string): void;
  alias(name: string): Alias | undefined;
  aliases(environmentName: string | null): readonly Alias[];
  /** Returns the removed alias; `undefined`: there was no such alias. */
  deleteAlias(name: string): Alias | undefined;
  /**
   * Calls `listener` with the name of each alias that was put, moved, or removed; returns a function that unsubscribes.
   */
  followAliases(listener: (name: string) => void): () => void;
}

/** Content-addressed bytes on disk: pickled callables and synced app files (docs/platform/rest.md#app-files). */
export interface TemporaryBlob {
  readonly file: string;
  remove(): void;
}

export interface Blobs {
  /** Stores bytes under their hex SHA-256 and returns it; synced before it returns. */
  put(bytes: Uint8Array): string;
  has(hash: string): boolean;
  /** The path of the stored bytes; for reading only. */
  path(hash: string): string;
  /** Stores bytes for one owner, who removes them. Not synced: none outlives the emulator. */
  putTemporary(bytes: Uint8Array): TemporaryBlob;
}
