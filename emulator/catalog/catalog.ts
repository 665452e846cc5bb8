import type { z } from 'zod';
import { createDocuments } from '../store/documents.ts';
import type { Store } from '../store/open.ts';
import { aliasDocument, environmentDocument, revisionDocument } from './documents.ts';
import { createKeys } from './keys.ts';
import type { SecretKey } from './secret-key.ts';
import { createSecrets } from './secrets.ts';
import type { Account, Alias, Catalog, EnvironmentInfo, Revision } from './types.ts';

export interface CatalogOptions {
  readonly store: Store;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Secrets at rest are encrypted with it (secret-key.ts); without it only what concerns their values fails. */
  readonly secretKey: SecretKey;
  readonly account?: Account;
}

export interface LocalCatalog extends Catalog {
  /** Every secret's value, for masking log lines; the same array until one changes. Never to be shown. */
  allSecretValues(): readonly string[];
}

const localAccount: Account = { userId: 'local|minifal', nickname: 'local', fullName: 'Local developer' };
const main = 'main';

/**
 * The catalog of one account on an open store. Everything is read once and then served from memory; a write is on disk
 * before memory follows, so a failed write changes nothing.
 *
 * Names arrive as full wire names (`app`, `app--dev`) with the environment next to them and are never rebuilt here
 * (control-plane-grpc.md §7). The environment `main` is always there.
 */
export function createCatalog({ store, clock, secretKey, account = localAccount }: CatalogOptions): LocalCatalog {
  const keys = createKeys(store, clock);
  const secrets = createSecrets(store, clock, secretKey);
  const environments = loaded<EnvironmentInfo>('environments', environmentDocument);
  const revisions = loaded<Revision>('revisions', revisionDocument);
  const aliases = loaded<Alias>('aliases', aliasDocument);
  if (!environments.get(main)) {
    environments.put(main, { name: main, description: null, isDefault: true, createdAt: clock() });
  }

  return {
    account,
    ...keys,
    setSecret: secrets.setSecret,
    listSecrets: secrets.listSecrets,
    secretValues: secrets.secretValues,
    allSecretValues: secrets.allValues,

    listEnvironments: () => environments.all(),
    createEnvironment(name, description) {
      if (environments.get(name)) return 'exists';
      return environments.put(name, { name, description, isDefault: false, createdAt: clock() });
    },
    deleteEnvironment(name) {
      const environment = environments.get(name);
      if (!environment) return 'unknown';
      if (environment.isDefault) return 'default';
      const gone = aliases.all().filter((alias) => alias.environmentName === name);
      const follow = store.transaction(() => [
        secrets.deleteAll(name),
        ...gone.map((alias) => aliases.remove(alias.name)),
        // The revisions too: an environment made again under this name starts empty.
        ...revisions
          .all()
          .flatMap((revision) => (revision.environmentName === name ? [revisions.remove(revision.id)] : [])),
        environments.remove(name),
      ]);
      for (const apply of follow) apply();
      return { aliases: gone.map((alias) => alias.name) };
    },

    addRevision: (revision) => void revisions.put(revision.id, revision),
    revision: (id) => revisions.get(id),
    revisions: (environmentName, alias) =>
      revisions
        .all()
        .filter((revision) => environmentName === null || revision.environmentName === environmentName)
        .filter((revision) => alias === undefined || revision.alias === alias)
        .reverse(),
    deleteRevision: (id) => deleteOne(revisions, id) !== undefined,

    putAlias: (alias) => void aliases.put(alias.name, alias),
    moveAlias(name, revision) {
      const alias = aliases.get(name);
      if (alias && alias.revision !== revision) aliases.keep(name, { ...alias, revision, updatedAt: clock() });
    },
    alias: (name) => aliases.get(name),
    aliases: (environmentName) =>
      aliases.all().filter((alias) => environmentName === null || alias.environmentName === environmentName),
    deleteAlias: (name) => deleteOne(aliases, name),
    followAliases: aliases.follow,
  };

  /** A table in memory, in the order of first appearance, and its rows on disk. */
  function loaded<T>(table: string, shape: z.ZodType<T>) {
    const documents = createDocuments<T>(store, table, shape);
    const present = new Map(documents.load().map(({ id, value }) => [id, value]));
    const followers = new Set<(id: string) => void>();
    const changed = (id: string): void => {
      for (const follower of followers) follower(id);
    };
    return {
      get: (id: string): T | undefined => present.get(id),
      all: (): T[] => [...present.values()],
      put(id: string, value: T): T {
        store.transaction(() => documents.put(id, value));
        present.set(id, value);
        changed(id);
        return value;
      },
      /** As `put`; on a full disk it counts at once and is written when there is room. */
      keep(id: string, value: T): void {
        present.set(id, value);
        changed(id);
        void store.keep(() => {
          const now = present.get(id);
          if (now) documents.put(id, now);
        });
      },
      /** Inside the caller's transaction; the returned function makes memory follow. */
      remove(id: string): () => void {
        documents.delete(id);
        return () => {
          present.delete(id);
          changed(id);
        };
      },
      follow(listener: (id: string) => void): () => void {
        followers.add(listener);
        return () => void followers.delete(listener);
      },
    };
  }

  function deleteOne<T>(
    table: { get(id: string): T | undefined; remove(id: string): () => void },
    id: string,
  ): T | undefined {
    const value = table.get(id);
    if (value === undefined) return undefined;
    store.transaction(() => table.remove(id))();
    return value;
  }
}
