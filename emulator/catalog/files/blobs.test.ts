import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { createBlobs } from './blobs.ts';

describe('createBlobs', () => {
  it('stores bytes once under their SHA-256, for the owner only', () => {
    const folder = testFolder();
    const bytes = Buffer.from([0, 255, 10]);
    const hash = createBlobs(folder).put(bytes);
    expect(hash).toBe(createHash('sha256').update(bytes).digest('hex'));
    const blobs = createBlobs(folder);
    expect(blobs.put(bytes)).toBe(hash);
    expect(blobs.has(hash)).toBe(true);
    expect(readFileSync(blobs.path(hash))).toEqual(bytes);
    expect(statSync(blobs.path(hash)).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, hash.slice(0, 2)))).toEqual([hash]);
    expect(blobs.has('0'.repeat(64))).toBe(false);
  });

  it('keeps only the listed ones, and removes what a crash left half written', () => {
    const folder = testFolder();
    const blobs = createBlobs(folder);
    const [wanted, unwanted] = [blobs.put(Buffer.from('a')), blobs.put(Buffer.from('b'))];
    blobs.removeExcept(new Set([wanted]));
    expect([blobs.has(wanted), blobs.has(unwanted)]).toEqual([true, false]);
    expect(blobs.has(blobs.put(Buffer.from('b')))).toBe(true);
  });

  it('stores bytes for one owner until they are removed, or until the next start', () => {
    const folder = testFolder();
    const blobs = createBlobs(folder);
    const [one, other] = [blobs.putTemporary(Buffer.from('a')), blobs.putTemporary(Buffer.from('a'))];
    expect(statSync(one.file).mode & 0o777).toBe(0o600);
    one.remove();
    one.remove();
    expect(readFileSync(other.file, 'utf8')).toBe('a');
    blobs.removeExcept(new Set());
    expect(existsSync(other.file)).toBe(false);
  });

  it.each([
    '',
    '..',
    '../../etc/passwd',
    'A'.repeat(64),
    '0'.repeat(63),
    `${'0'.repeat(64)}\n`,
    `${'0'.repeat(61)}/..`,
  ])('does not build a path from %j', (hash) => {
    const blobs = createBlobs(testFolder());
    expect(blobs.has(hash)).toBe(false);
    expect(() => blobs.path(hash)).toThrow(RangeError);
  });
});
