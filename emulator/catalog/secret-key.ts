import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../wire/errors.ts';
import { type KeychainOrder, sealedMark, secretKeyFile } from '../wire/secret-file.ts';
import { createCipher } from './cipher.ts';
import { syncFolder, writeSynced } from './durable-file.ts';

/** The key of the secrets, or why it can't be had now. */
export type SecretKey = Buffer | UserError;

export interface OpenedSecretKey {
  readonly key: SecretKey;
  /** What became of the file, or could not. */
  readonly told?: string;
}

/** Binds the sealed bytes to what they are. */
const place = 'the key of the secrets';

/**
 * The 32 random bytes that encrypt secrets at rest, from `<folder>/secret.key` (0600), made once. They lie there open, or sealed by a key of
 * the editor's keychain; then only who hands that key over (`order`) has them. At any moment, also of a crash, the file is whole: old or new.
 */
export function openSecretKey(folder: string, order?: KeychainOrder): OpenedSecretKey {
  const file = secretKeyFile(folder);
  rmSync(`${file}.new`, { force: true });
  const found = read(file);
  if (found === undefined) {
    const key = randomBytes(32);
    replace(file, openText(key), (text) => text === openText(key));
    return order?.want === 'seal' ? seal(file, key, order) : { key };
  }
  if (found.startsWith(sealedMark)) return order ? unlock(file, found, order) : { key: withoutKeychain() };
  const key = Buffer.from(found.trim(), 'hex');
  if (key.length !== 32) return { key: damaged(file) };
  return order?.want === 'seal' ? seal(file, key, order) : { key };
}

function seal(file: string, key: Buffer, { wrappingKey }: KeychainOrder): OpenedSecretKey {
  const cipher = createCipher(Buffer.from(wrappingKey, 'hex'));
  const text = `${sealedMark}${cipher.seal(openText(key), place)}\n`;
  const opens = (written: string) => cipher.open(written.slice(sealedMark.length), place) === openText(key);
  return {
    key,
    told: attempt(() => replace(file, text, opens), "the key of the secrets is sealed by the editor's keychain"),
  };
}

function unlock(file: string, found: string, { wrappingKey, want }: KeychainOrder): OpenedSecretKey {
  const text = createCipher(Buffer.from(wrappingKey, 'hex')).open(found.slice(sealedMark.length), place);
  if (text === undefined) return { key: otherKeychain(file) };
  const key = Buffer.from(text, 'hex');
  if (want !== 'unseal') return { key };
  const isWhole = (written: string) => written === text;
  return { key, told: attempt(() => replace(file, text, isWhole), 'the key of the secrets lies open in its file') };
}

/** The key is at hand either way: a full disk is no reason not to start. */
function attempt(act: () => void, done: string): string {
  try {
    act();
    return done;
  } catch (error) {
    return `the key of the secrets could not be written (${error instanceof Error ? error.message : String(error)}); it stays as it was`;
  }
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

/** Written beside, synced, read back, and only then put in place of the old one. */
function replace(file: string, text: string, isWhole: (written: string) => boolean): void {
  const beside = `${file}.new`;
  try {
    writeSynced(beside, text);
    if (!isWhole(readFileSync(beside, 'latin1'))) throw new Error('what was written reads back differently');
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
  syncFolder(dirname(file));
}

function withoutKeychain(): UserError {
  return new UserError(
    "The secrets are sealed by VS Code's keychain, and the emulator was started without it.",
    'Start it from VS Code (`fal: Start Emulator`); its setting `minifal.sealSecrets` set to `never` keeps them open for terminals, too.',
  );
}

function otherKeychain(file: string): UserError {
  return new UserError(
    'The secrets are sealed by another keychain than that of the editor which started the emulator.',
    `Start it from the VS Code that sealed them. If its keychain is lost, move ${file} away, start again and set the secrets anew.`,
  );
}

function damaged(file: string): UserError {
  return new UserError(
    'The secrets cannot be opened: the file with their key is damaged.',
    `Put ${file} back from a copy; or move it away, start again and set the secrets anew.`,
  );
}
