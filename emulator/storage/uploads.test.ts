import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../store/testing/folder.ts';
import { createQuota } from './quota.ts';
import { createUploads } from './uploads.ts';

const md5 = (text: string) => createHash('md5').update(text).digest('hex');

function made(maxBytes = 1000) {
  const folder = join(testFolder(), 'uploads');
  const quota = createQuota(maxBytes);
  const kept: string[] = [];
  const state = { now: 0 };
  const uploads = createUploads({
    folder,
    quota,
    clock: () => state.now,
    async keep(about: string, { file, size, md5: etag }) {
      kept.push(`${about}: ${readFileSync(file, 'utf8')}`);
      // As if it were deleted once more.
      quota.give(size);
      return { etag };
    },
  });
  return { folder, quota, kept, state, uploads };
}

const bytes = (text: string) => [Buffer.from(text)];

describe('uploads', () => {
  it('join their parts in order, whatever order they arrived in; quotes of etags are ignored', async () => {
    const { folder, quota, kept, uploads } = made();
    const id = uploads.begin('a');
    const second = await uploads.putPart(id, 2, bytes('world'));
    const first = await uploads.putPart(id, 1, bytes('hello '));
    expect(first).toBe(md5('hello '));
    const parts = [
      { partNumber: 2, etag: second },
      { partNumber: 1, etag: `"${first}"` },
    ];
    expect(await uploads.complete(id, parts)).toEqual({ etag: md5('hello world') });
    expect(kept).toEqual(['a: hello world']);
    expect(quota.used()).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('are completed once when completion is requested twice, even at the same time', async () => {
    const { kept, uploads } = made();
    const id = uploads.begin('a');
    const parts = [{ partNumber: 1, etag: await uploads.putPart(id, 1, bytes('x')) }];
    const [first, second] = await Promise.all([uploads.complete(id, parts), uploads.complete(id, parts)]);
    expect(second).toBe(first);
    expect(await uploads.complete(id, parts)).toBe(first);
    expect(kept).toEqual(['a: x']);
  });

  it('replace a part that is sent again, and drop parts that are not listed', async () => {
    const { quota, kept, uploads } = made();
    const id = uploads.begin('a');
    await uploads.putPart(id, 1, bytes('old'));
    const etag = await uploads.putPart(id, 1, bytes('new'));
    await uploads.putPart(id, 2, bytes('unlisted'));
    expect(quota.used()).toBe(11);
    await uploads.complete(id, [{ partNumber: 1, etag }]);
    expect(kept).toEqual(['a: new']);
    expect(quota.used()).toBe(0);
  });

  it('refuse missing, changed, duplicate or no parts, and can be repaired', async () => {
    const { uploads, kept } = made();
    const id = uploads.begin('a');
    const etag = await uploads.putPart(id, 1, bytes('x'));
    const wrong = [
      [],
      [{ partNumber: 2, etag }],
      [{ partNumber: 1, etag: md5('y') }],
      [
        { partNumber: 1, etag },
        { partNumber: 1, etag },
      ],
    ];
    for (const parts of wrong) {
      await expect(uploads.complete(id, parts)).rejects.toMatchObject({ reason: 'bad_request' });
    }
    for (const number of [0, -1, 1.5, Number.NaN, 10_001]) {
      await expect(uploads.putPart(id, number, bytes('x'))).rejects.toMatchObject({ reason: 'bad_request' });
    }
    await uploads.complete(id, [{ partNumber: 1, etag }]);
    expect(kept).toEqual(['a: x']);
  });

  it('release the quota when a body exceeds the limit midway, and leave nothing behind', async () => {
    const { folder, quota, uploads } = made(10);
    const id = uploads.begin('a');
    await uploads.putPart(id, 1, bytes('12345'));
    const tooMuch = [Buffer.from('123'), Buffer.from('456')];
    await expect(uploads.putPart(id, 2, tooMuch)).rejects.toMatchObject({ reason: 'full' });
    expect(quota.used()).toBe(5);
    expect(readdirSync(join(folder, id))).toHaveLength(1);
    await uploads.cancel(id);
    expect(quota.used()).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('do not keep a body that breaks off', async () => {
    const { quota, kept, uploads } = made();
    const id = uploads.begin('a');
    async function* broken() {
      yield Buffer.from('half');
      throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
    }
    await expect(uploads.putWhole(id, broken())).rejects.toMatchObject({ reason: 'bad_request' });
    expect(kept).toEqual([]);
    expect(quota.used()).toBe(0);
    await uploads.putWhole(id, bytes('whole'));
    await uploads.putWhole(id, bytes('again'));
    expect(kept).toEqual(['a: whole', 'a: again']);
  });

  it('unknown ids are refused, and unfinished uploads are forgotten after a day', async () => {
    const { state, quota, uploads } = made();
    await expect(uploads.putPart('x', 1, bytes('x'))).rejects.toMatchObject({ reason: 'not_found' });
    await uploads.cancel('x');
    const id = uploads.begin('a');
    await uploads.putPart(id, 1, bytes('x'));
    state.now += 24 * 60 * 60 * 1000 + 1;
    uploads.begin('b');
    await expect(uploads.putPart(id, 2, bytes('x'))).rejects.toMatchObject({ reason: 'not_found' });
    expect(quota.used()).toBe(0);
  });
});
