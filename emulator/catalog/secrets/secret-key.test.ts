import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type KeychainOrder, keyIdOf, moveKeyAside, sealedKeyOf } from '../../local/secret-file.ts';
import { testFolder } from '../../store/testing/folder.ts';
import { UserError } from '../../wire/errors.ts';
import { openSecretKey } from './secret-key.ts';

const order = (want: KeychainOrder['want'], digit = 'a'): KeychainOrder => ({ want, wrappingKey: digit.repeat(64) });
const isSealed = (folder: string) => sealedKeyOf(folder) !== undefined;
const content = (folder: string) => readFileSync(join(folder, 'secret.key'), 'utf8');

describe('the key of the secrets', () => {
  it('is created once, and only its owner can read it', () => {
    const folder = testFolder();
    const { key } = openSecretKey(folder);
    expect(key).toHaveLength(32);
    expect(openSecretKey(folder)).toEqual({ key });
    expect(openSecretKey(testFolder()).key).not.toEqual(key);
    expect(statSync(join(folder, 'secret.key')).mode & 0o777).toBe(0o600);
    expect(isSealed(folder)).toBe(false);
  });

  it('is read from a folder that was created before keychain support', () => {
    const folder = testFolder();
    writeFileSync(join(folder, 'secret.key'), '07'.repeat(32));
    expect(openSecretKey(folder).key).toEqual(Buffer.alloc(32, 7));
  });

  it('stays unsealed when a keychain is available but sealing was not requested', () => {
    const folder = testFolder();
    const { key } = openSecretKey(folder);
    for (const want of ['open', 'unseal'] as const) expect(openSecretKey(folder, order(want))).toEqual({ key });
    expect(isSealed(folder)).toBe(false);
  });

  it.each(['a new folder', 'a folder with a key'])('is sealed when the keychain requests it: %s', (which) => {
    const folder = testFolder();
    const before = which === 'a new folder' ? undefined : openSecretKey(folder).key;
    const { key, notice } = openSecretKey(folder, order('seal'));
    if (before) expect(key).toEqual(before);
    expect(notice).toMatch(/is sealed/);
    expect(isSealed(folder)).toBe(true);
    expect(content(folder)).not.toContain((key as Buffer).toString('hex'));
    expect(content(folder)).not.toContain(order('seal').wrappingKey);
    expect(statSync(join(folder, 'secret.key')).mode & 0o777).toBe(0o600);
    for (const want of ['seal', 'open'] as const) expect(openSecretKey(folder, order(want))).toEqual({ key });
    expect(readdirSync(folder)).toEqual(['secret.key']);
  });

  it('is then available only from the keychain, and the error says how', () => {
    const folder = testFolder();
    openSecretKey(folder, order('seal'));
    const before = content(folder);
    const { key } = openSecretKey(folder);
    expect(key).toBeInstanceOf(UserError);
    expect(key).toMatchObject({
      message: expect.stringContaining('sealed'),
      next: expect.stringContaining('fal: Start Emulator'),
    });
    for (const want of ['open', 'seal', 'unseal'] as const) {
      const other = openSecretKey(folder, order(want, 'b')).key;
      expect(other).toMatchObject({ message: expect.stringContaining('a different keychain') });
    }
    expect(content(folder)).toBe(before);
  });

  it('names the key that opens it, and gets that name when an earlier version sealed it', () => {
    const folder = testFolder();
    const { key } = openSecretKey(folder, order('seal'));
    const keyId = keyIdOf(order('seal').wrappingKey);
    expect(sealedKeyOf(folder)?.keyId).toBe(keyId);
    const now = content(folder);
    writeFileSync(join(folder, 'secret.key'), now.replace(`sealed-2 ${keyId} `, 'sealed-1 '));
    expect(sealedKeyOf(folder)?.keyId).toBeNull();
    expect(openSecretKey(folder, order('open', 'b')).key).toBeInstanceOf(UserError);
    expect(sealedKeyOf(folder)?.keyId).toBeNull();
    expect(openSecretKey(folder, order('open')).key).toEqual(key);
    expect(content(folder)).toBe(now);
  });

  it('is restored to its file when the keychain requests it', () => {
    const folder = testFolder();
    const { key } = openSecretKey(folder, order('seal'));
    const { key: opened, notice } = openSecretKey(folder, order('unseal'));
    expect(opened).toEqual(key);
    expect(notice).toMatch(/is open/);
    expect(openSecretKey(folder)).toEqual({ key });
  });

  it('survives a crash between writing and renaming', () => {
    const folder = testFolder();
    const { key } = openSecretKey(folder);
    writeFileSync(join(folder, 'secret.key.new'), 'half');
    expect(openSecretKey(folder)).toEqual({ key });
    expect(readdirSync(folder)).toEqual(['secret.key']);
  });

  it.each(['seal', 'unseal'] as const)('is available and unchanged when nothing can be written: %s', (want) => {
    const folder = testFolder();
    const { key } = openSecretKey(folder, order(want === 'seal' ? 'open' : 'seal'));
    const before = content(folder);
    const module = JSON.stringify(join(import.meta.dirname, 'secret-key.ts'));
    const program = `
      const { openSecretKey } = await import(${module});
      const { key, notice } = openSecretKey(${JSON.stringify(folder)}, ${JSON.stringify(order(want))});
      process.stdout.write(JSON.stringify({ key: key.toString('hex'), notice }));`;
    // No file may grow; the signal for that is ignored, so that the write fails as on a full disk.
    const limited = `trap '' XFSZ; ulimit -f 0; exec "$0" --input-type=module -e "$1"`;
    const answer = JSON.parse(execFileSync('sh', ['-c', limited, process.execPath, program], { encoding: 'utf8' }));
    expect(answer).toEqual({
      key: (key as Buffer).toString('hex'),
      notice: expect.stringMatching(/could not be written .*EFBIG.*is unchanged/),
    });
    expect(content(folder)).toBe(before);
    expect(readdirSync(folder)).toEqual(['secret.key']);
  });

  it('is reported as damaged when it is, and left in place for anyone who has a copy', () => {
    for (const text of ['', '07', 'sealed-1 ????', 'sealed-2 ', 'sealed-2 0123456789abcdef ????']) {
      const folder = testFolder();
      writeFileSync(join(folder, 'secret.key'), text);
      expect(openSecretKey(folder, order('open')).key).toBeInstanceOf(UserError);
      expect(content(folder)).toBe(text);
    }
  });

  it('is replaced with a new one when it is set aside, and works again when it is put back', () => {
    const folder = testFolder();
    openSecretKey(folder, order('seal'));
    const before = content(folder);
    const aside = moveKeyAside(folder, new Date(0));
    expect(aside).toBe(join(folder, 'secret.key.1970-01-01T00-00-00-000Z'));
    expect(readFileSync(aside, 'utf8')).toBe(before);
    expect(openSecretKey(folder).key).toHaveLength(32);
  });
});
