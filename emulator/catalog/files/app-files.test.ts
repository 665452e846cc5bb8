import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { type AppFiles, createAppFiles, type UploadedPart } from './app-files.ts';

const mode = 33_188;

/** As fal/file_sync.py computes it. */
function hashOf(content: string, fileMode: number): string {
  return createHash('sha256').update(content).update(`${fileMode}`).digest('hex');
}

async function uploaded(files: AppFiles, uploadId: string, parts: readonly string[]): Promise<UploadedPart[]> {
  const put: UploadedPart[] = [];
  for (const [index, content] of parts.entries()) {
    const answer = await files.putPart(uploadId, index + 1, [Buffer.from(content)]);
    if (typeof answer === 'string') throw new Error(answer);
    put.push({ partNumber: index + 1, etag: answer.etag });
  }
  return put;
}

describe('createAppFiles', () => {
  it('joins the parts in order, keeps the mode, and still has the file after a restart', async () => {
    const folder = testFolder();
    const files = createAppFiles(folder);
    const hash = hashOf('hello world', mode);
    expect(await files.missing([hash, 'nonsense'])).toEqual([hash, 'nonsense']);
    const uploadId = files.beginUpload(hash, mode);
    const parts = await uploaded(files, uploadId, ['hello', ' world']);
    expect(files.find(hash)).toBeUndefined();
    expect(await files.completeUpload(uploadId, parts.reverse())).toBe('ok');
    expect(readdirSync(join(folder, 'uploads'))).toEqual([]);
    const again = createAppFiles(folder);
    expect(await again.missing([hash])).toEqual([]);
    expect(again.find(hash)?.mode).toBe(mode);
    expect(readFileSync(again.find(hash)?.path ?? '', 'utf8')).toBe('hello world');
  });

  it('accepts an empty file as one empty part', async () => {
    const files = createAppFiles(testFolder());
    const uploadId = files.beginUpload(hashOf('', 33_261), 33_261);
    expect(await files.completeUpload(uploadId, await uploaded(files, uploadId, ['']))).toBe('ok');
    expect(files.find(hashOf('', 33_261))?.mode).toBe(33_261);
  });

  it('distinguishes files with equal content but different modes', async () => {
    const files = createAppFiles(testFolder());
    for (const one of [33_188, 33_261]) {
      const uploadId = files.beginUpload(hashOf('same', one), one);
      await files.completeUpload(uploadId, await uploaded(files, uploadId, ['same']));
    }
    expect([33_188, 33_261].map((one) => files.find(hashOf('same', one))?.mode)).toEqual([33_188, 33_261]);
  });

  it.each<[string, (parts: UploadedPart[]) => UploadedPart[]]>([
    ['a part is missing from the list', (parts) => parts.slice(1)],
    ['a part is listed twice', ([first, second]) => [first, second, first].flatMap((part) => part ?? [])],
    ['an etag is another', (parts) => parts.map((part) => ({ ...part, etag: '0' }))],
    ['a part never arrived', (parts) => [...parts, { partNumber: 3, etag: '0' }]],
  ])('refuses an upload when %s', async (_, change) => {
    const folder = testFolder();
    const files = createAppFiles(folder);
    const hash = hashOf('hello world', mode);
    const uploadId = files.beginUpload(hash, mode);
    const parts = await uploaded(files, uploadId, ['hello', ' world']);
    expect(await files.completeUpload(uploadId, change(parts))).toBe('mismatch');
    expect(files.find(hash)).toBeUndefined();
    expect(readdirSync(join(folder, 'uploads'))).toEqual([]);
    expect(await files.completeUpload(uploadId, parts)).toBe('unknown');
  });

  it('refuses content or a mode that does not match the hash, and parts that changed on disk', async () => {
    const folder = testFolder();
    const files = createAppFiles(folder);
    const hash = hashOf('right', mode);
    const wrongContent = files.beginUpload(hash, mode);
    expect(await files.completeUpload(wrongContent, await uploaded(files, wrongContent, ['wrong']))).toBe('mismatch');
    const wrongMode = files.beginUpload(hash, 33_261);
    expect(await files.completeUpload(wrongMode, await uploaded(files, wrongMode, ['right']))).toBe('mismatch');
    const changed = files.beginUpload(hash, mode);
    const parts = await uploaded(files, changed, ['right']);
    writeFileSync(join(folder, 'uploads', changed, '1'), 'other');
    expect(await files.completeUpload(changed, parts)).toBe('mismatch');
    expect(files.find(hash)).toBeUndefined();
  });

  it('replaces a part that is sent again', async () => {
    const files = createAppFiles(testFolder());
    const uploadId = files.beginUpload(hashOf('right', mode), mode);
    await uploaded(files, uploadId, ['wrong']);
    expect(await files.completeUpload(uploadId, await uploaded(files, uploadId, ['right']))).toBe('ok');
  });

  it('frees cancelled and abandoned uploads', async () => {
    const folder = testFolder();
    const files = createAppFiles(folder);
    const uploadId = files.beginUpload(hashOf('x', mode), mode);
    const parts = await uploaded(files, uploadId, ['x']);
    await files.cancelUpload(uploadId);
    await files.cancelUpload('../..');
    expect(await files.completeUpload(uploadId, parts)).toBe('unknown');
    expect(await files.putPart(uploadId, 1, [Buffer.from('x')])).toBe('unknown');
    files.beginUpload(hashOf('y', mode), mode);
    createAppFiles(folder);
    expect(readdirSync(join(folder, 'uploads'))).toEqual([]);
  });

  it('builds paths only from a hash, a part number and a mode', async () => {
    const files = createAppFiles(testFolder());
    expect(() => files.beginUpload('../../x', mode)).toThrow(RangeError);
    expect(() => files.beginUpload(hashOf('x', mode), -1)).toThrow(RangeError);
    expect(files.find('../uploads')).toBeUndefined();
    const uploadId = files.beginUpload(hashOf('x', mode), mode);
    for (const number of [0, -1, 1.5, Number.NaN, 10_001]) {
      expect(await files.putPart(uploadId, number, [Buffer.from('x')])).toBe('too_large');
    }
  });
});
