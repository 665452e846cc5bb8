import { createDocuments } from '../store/documents.ts';
import type { Store } from '../store/open.ts';
import { UserError } from '../wire/errors.ts';
import { type Cipher, createCipher } from './cipher.ts';
import { secretDocument } from './documents.ts';
import type { SecretKey } from './secret-key.ts';
import type { Catalog, SecretInfo } from './types.ts';

interface StoredSecret extends SecretInfo {
  readonly sealed: string;
}

export interface Secrets extends Pick<Catalog, 'setSecret' | 'listSecrets' | 'secretValues'> {
  /** Every value there is, for masking log lines; the same array until a secret changes. */
  allValues(): readonly string[];
  /**
   * Removes the environment's secrets; inside the caller's transaction. Returns what makes memory follow after the
   * commit.
   */
  deleteAll(environmentName: string): () => void;
}

/**
 * Secrets are encrypted on disk and in memory; a value is opened only when a runner or the masker asks for it. While
 * their key can't be had they are listed and may be deleted; who asks for a value, or sets one, gets the error that
 * says why.
 */
export function createSecrets(store: Store, clock: () => number, secretKey: SecretKey): Secrets {
  const cipher = secretKey instanceof UserError ? undefined : createCipher(secretKey);
  const documents = createDocuments<StoredSecret>(store, 'secrets', secretDocument);
  const secrets = new Map<string, StoredSecret>();
  let values: readonly string[] | undefined;

  for (const { id, value } of documents.load()) {
    if (!cipher || cipher.open(value.sealed, id) !== undefined) secrets.set(id, value);
    else {
      store.notice(
        `The secret ${value.name} of environment ${value.environmentName} cannot be decrypted; set it again.`,
      );
    }
  }

  const of = (environmentName: string) =>
    [...secrets.values()].filter((secret) => secret.environmentName === environmentName);
  const withKey = (): Cipher => {
    if (cipher) return cipher;
    throw secretKey;
  };
  const open = (secret: StoredSecret) =>
    withKey().open(secret.sealed, place(secret.environmentName, secret.name)) ?? '';

  return {
    setSecret(name, value, environmentName, defaultExposed) {
      const id = place(environmentName, name);
      if (value === null) {
        store.transaction(() => documents.delete(id));
        secrets.delete(id);
      } else {
        const before = secrets.get(id);
        const secret: StoredSecret = {
          name,
          environmentName,
          createdAt: before?.createdAt ?? clock(),
          defaultExposed: defaultExposed ?? before?.defaultExposed ?? true,
          sealed: withKey().seal(value, id),
        };
        store.transaction(() => documents.put(id, secret));
        secrets.set(id, secret);
      }
      values = undefined;
    },
    listSecrets: (environmentName) => of(environmentName).map(({ sealed: _, ...info }) => info),
    secretValues(environmentName, names) {
      const chosen = of(environmentName).filter((secret) =>
        names ? names.includes(secret.name) : secret.defaultExposed,
      );
      return Object.fromEntries(chosen.map((secret) => [secret.name, open(secret)]));
    },
    allValues() {
      values ??= cipher ? [...secrets.values()].map(open) : [];
      return values;
    },
    deleteAll(environmentName) {
      const ids = of(environmentName).map(({ name }) => place(environmentName, name));
      for (const id of ids) documents.delete(id);
      return () => {
        for (const id of ids) secrets.delete(id);
        values = undefined;
      };
    },
  };
}

/** Names can't hold a NUL, so no two pairs meet. */
function place(environmentName: string, name: string): string {
  return `${environmentName}\0${name}`;
}
