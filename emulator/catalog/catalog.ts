import { type Report, throwLater } from '../local/loop/contain.ts';
import type { Store } from '../store/open.ts';
import { createKeys } from './keys.ts';
import { createMemory } from './memory.ts';
import { catalogRecords } from './records.ts';
import type { SecretKey } from './secrets/secret-key.ts';
import { createSecrets } from './secrets/secrets.ts';
import type { Account, Catalog } from './types.ts';

export interface CatalogDeps {
  readonly store: Store;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Encrypts stored secrets (secret-key.ts); without it, only operations on secret values fail. */
  readonly secretKey: SecretKey;
  readonly account?: Account;
  /**
   * Receives errors that a follower threw, and write errors other than those of the disk. By default, they are thrown.
   */
  readonly report?: Report;
}

export interface LocalCatalog extends Catalog {
  /** The values of all secrets, for masking log lines; the same array until one changes. Never to be shown. */
  allSecretValues(): readonly string[];
}

const localAccount: Account = { userId: 'local|minifal', nickname: 'local', fullName: 'Local developer' };
const main = 'main';

/**
 * The catalog of one account in an open store. Everything is read once and then served from memory. A write is on disk
 * before it changes memory, so a failed write changes nothing.
 *
 * Names arrive as full wire names (`app`, `app--dev`) together with the environment and are never rebuilt here
 * (docs/platform/control-plane.md#unary-rpcs). The environment `main` always exists.
 */
export function createCatalog(deps: CatalogDeps): LocalCatalog {
  const { store, clock, secretKey, account = localAccount, report = throwLater } = deps;
  const records = catalogRecords(store);
  const keys = createKeys(records.keys, clock);
  const secrets = createSecrets(records.secrets, { clock, secretKey, notice: store.notice });
  const environments = createMemory(records.environments, report);
  const revisions = createMemory(records.revisions, report);
  const aliases = createMemory(records.aliases, report);
  if (!environments.get(main)) {
    environments.put(main, { name: main, description: null, isDefault: true, createdAt: clock() });
  }

  return {
    account,
    ...keys,
    setSecret: secrets.setSecret,
    listSecrets: secrets.listSecrets,
    secretValues: secrets.secretValues,
    buildSecret: secrets.buildSecret,
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
      const belongsToIt = ({ environmentName }: { readonly environmentName: string }) => environmentName === name;
      const gone = {
        secrets: secrets.idsOf(name),
        aliases: aliases.all().flatMap((alias) => (belongsToIt(alias) ? [alias.name] : [])),
        // The revisions are removed too: an environment that is created again under this name starts empty.
        revisions: revisions.all().flatMap((revision) => (belongsToIt(revision) ? [revision.id] : [])),
      };
      records.removeEnvironment(name, gone);
      secrets.forget(gone.secrets);
      gone.aliases.forEach(aliases.forget);
      gone.revisions.forEach(revisions.forget);
      environments.forget(name);
      return { aliases: gone.aliases };
    },

    addRevision: (revision) => void revisions.put(revision.id, revision),
    revision: (id) => revisions.get(id),
    revisions: (environmentName, alias) =>
      revisions
        .all()
        .filter((revision) => environmentName === null || revision.environmentName === environmentName)
        .filter((revision) => alias === undefined || revision.alias === alias)
        .reverse(),
    deleteRevision: (id) => revisions.remove(id) !== undefined,

    putAlias: (alias) => void aliases.put(alias.name, alias),
    moveAlias(name, revision) {
      const alias = aliases.get(name);
      if (alias && alias.revision !== revision) aliases.keep(name, { ...alias, revision, updatedAt: clock() });
    },
    alias: (name) => aliases.get(name),
    aliases: (environmentName) =>
      aliases.all().filter((alias) => environmentName === null || alias.environmentName === environmentName),
    deleteAlias: aliases.remove,
    followAliases: aliases.follow,
  };
}
