import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  type KeychainOrder,
  keyIdOf,
  readSealed,
  type SealedKey,
  sealedText,
  secretKeyFile,
} from '../../local/secret-file.ts';
import { syncFolder, writeSynced } from '../../store/durable-file.ts';
import { UserError } from '../../wire/errors.ts';
import { createCipher } from './cipher.ts';

/** The key of the secrets, or the reason why it isn't available. */
export type SecretKey = Buffer | UserError;

export interface OpenedSecretKey {
  readonly key: SecretKey;
  /** What was done with the file, or could not be done. */
  readonly notice?: string;
}

/** Binds the sealed bytes to their purpose. */
const place = 'the key of the secrets';

/**
 * The 32 random bytes that encrypt stored secrets, from `<folder>/secret.key` (0600), created once. They are stored
 * either unsealed, or sealed by a key in the editor's keychain; then they are available only with that key (`order`).
 * At any moment, including a crash, the file is complete: old or new.
 */
export function openSecretKey(folder: string, order?: KeychainOrder): OpenedSecretKey {
  const file = secretKeyFile(folder);
  rmSync(`${file}.new`, { force: true });
  const found = read(file);
  if (found === undefined) {
    const key = randomBytes(32);
    replace(file, openText(key), (text) => text === openText(key));
    syncFolder(folder);
    return order?.want === 'seal' ? seal(file, key, order) : { key };
  }
  const sealed = readSealed(found);
  if (sealed) return order ? unlock(file, sealed, order) : { key: withoutKeychain() };
  const key = Buffer.from(found.trim(), 'hex');
  if (key.length !== 32) return { key: damaged(file) };
  return order?.want === 'seal' ? seal(file, key, order) : { key };
}

function seal(file: string, key: Buffer, { wrappingKey }: KeychainOrder): OpenedSecretKey {
  const cipher = createCipher(Buffer.from(wrappingKey, 'hex'));
  const text = sealedText(keyIdOf(wrappingKey), cipher.seal(openText(key), place));
  const opens = (written: string) => cipher.open(readSealed(written)?.bytes ?? '', place) === openText(key);
  return { key, notice: attempt(file, text, opens, "the key of the secrets is sealed by the editor's keychain") };
}

function unlock(file: string, { keyId, bytes }: SealedKey, { wrappingKey, want }: KeychainOrder): OpenedSecretKey {
  const open = createCipher(Buffer.from(wrappingKey, 'hex')).open(bytes, place);
  if (open === undefined) return { key: otherKeychain(file) };
  const key = Buffer.from(open, 'hex');
  const write = (text: string, done: string) => attempt(file, text, (written) => written === text, done);
  if (want === 'unseal') return { key, notice: write(open, 'the key of the secrets is open in its file') };
  if (keyId !== null) return { key };
  return {
    key,
    notice: write(sealedText(keyIdOf(wrappingKey), bytes), 'the sealed key now records which keychain opens it'),
  };
}

/** The key is available either way: a full disk is no reason not to start. */
function attempt(file: string, text: string, isWhole: (written: string) => boolean, done: string): string {
  try {
    replace(file, text, isWhole);
  } catch (error) {
    return `the key of the secrets could not be written (${messageOf(error)}); it is unchanged`;
  }
  try {
    syncFolder(dirname(file));
    return done;
  } catch (error) {
    return `${done}, but the disk did not confirm it (${messageOf(error)}): a power loss may undo it`;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function openText(key: Buffer): string {
  return key.toString('hex');
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Written to a temporary file, synced, read back, and only then moved over the old one; `syncFolder` then makes the
 * change durable.
 */
function replace(file: string, text: string, isWhole: (written: string) => boolean): void {
  const temporary = `${file}.new`;
  try {
    writeSynced(temporary, text);
    if (!isWhole(readFileSync(temporary, 'latin1'))) throw new Error('the file does not contain what was written');
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function withoutKeychain(): UserError {
  return new UserError(
    'SECRETS_SEALED',
    "The secrets are sealed by VS Code's keychain, and the emulator was started without it.",
    'Start it from VS Code (`fal: Start Emulator`); set its setting `minifal.sealSecrets` to `never` to keep ' +
      'them open for terminals, too.',
  );
}

function otherKeychain(file: string): UserError {
  return new UserError(
    'SECRETS_SEALED',
    'The secrets are sealed by a different keychain than that of the editor that started the emulator.',
    `Start it from the VS Code that sealed them. If its keychain is lost, move ${file} away, start again and ` +
      'set the secrets again.',
  );
}

function damaged(file: string): UserError {
  return new UserError(
    'SECRET_KEY_DAMAGED',
    'The secrets cannot be opened: the file with their key is damaged.',
    `Restore ${file} from a backup; or move it away, start again and set the secrets again.`,
  );
}
