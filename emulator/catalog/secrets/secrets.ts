import { UserError } from '../../wire/errors.ts';
import type { StoredSecret } from '../documents.ts';
import type { Records } from '../records.ts';
import type { Catalog } from '../types.ts';
import { type Cipher, createCipher } from './cipher.ts';
import type { SecretKey } from './secret-key.ts';

export interface Secrets extends Pick<Catalog, 'setSecret' | 'listSecrets' | 'secretValues' | 'buildSecret'> {
  /** The values of all secrets, for masking log lines; the same array until a secret changes. */
  allValues(): readonly string[];
  /** The ids of the environment's records. */
  idsOf(environmentName: string): readonly string[];
  /** Updates memory after records were removed from disk with their environment. */
  forget(ids: readonly string[]): void;
}

/**
 * Secrets are encrypted on disk and in memory; a value is decrypted only when a runner or the mask requests it. While
 * their key isn't available, secrets are listed and can be deleted; reading or setting a value throws the error that
 * says why.
 */
export function createSecrets(
  records: Records<StoredSecret>,
  {
    clock,
    secretKey,
    notice,
  }: {
    readonly clock: () => number;
    readonly secretKey: SecretKey;
    /** Receives a sentence for the person who starts the emulator. */
    readonly notice: (sentence: string) => void;
  },
): Secrets {
  const cipher = secretKey instanceof UserError ? undefined : createCipher(secretKey);
  const secrets = new Map<string, StoredSecret>();
  let values: readonly string[] | undefined;

  for (const { id, value } of records.load()) {
    if (!cipher || cipher.open(value.sealed, id) !== undefined) secrets.set(id, value);
    else {
      notice(`The secret ${value.name} of environment ${value.environmentName} cannot be decrypted; set it again.`);
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
        records.remove(id);
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
        records.put(id, secret);
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
    buildSecret(environmentName, name) {
      const secret = secrets.get(place(environmentName, name));
      return secret && open(secret);
    },
    allValues() {
      values ??= cipher ? [...secrets.values()].map(open) : [];
      return values;
    },
    idsOf: (environmentName) => of(environmentName).map(({ name }) => place(environmentName, name)),
    forget(ids) {
      for (const id of ids) secrets.delete(id);
      values = undefined;
    },
  };
}

/** Names can't contain a NUL, so the result is unique for each pair. */
function place(environmentName: string, name: string): string {
  return `${environmentName}\0${name}`;
}
