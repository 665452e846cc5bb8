import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { zipOf } from '../testing/zip.ts';
import { createDataFiles } from './files.ts';

function made() {
  const folder = testFolder();
  const root = join(folder, 'data');
  mkdirSync(root);
  const files = createDataFiles(root);
  /** Puts a text, as an upload does. */
  const put = async (path: string, text: string) => {
    const file = join(folder, 'upload');
    writeFileSync(file, text);
    await files.place(path, file);
  };
  return { folder, root, files, put };
}

describe('files of /data', () => {
  it('are put with their folders, replaced whole, listed sorted with absolute paths', async () => {
    const { root, files, put } = made();
    await put('/data/b/two', '2');
    await put('b/one', '11');
    await put('/data/b/one', '1');
    mkdirSync(join(root, 'b', 'dir'));
    const listed = await files.list('/data/b');
    expect(listed.map(({ path, size, isFile }) => [path, size, isFile])).toEqual([
      ['/data/b/dir', 0, false],
      ['/data/b/one', 1, true],
      ['/data/b/two', 1, true],
    ]);
    expect(listed[1]?.updatedAt).toBe(lstatSync(join(root, 'b', 'one')).mtimeMs);
    expect((await files.list('/')).map(({ path }) => path)).toEqual(['/data']);
    expect((await files.list('')).map(({ path }) => path)).toEqual(['/data/b']);
  });

  it('a missing directory has no children, nor has a file', async () => {
    const { files, put } = made();
    await put('file', 'x');
    expect(await files.list('/data/none/at/all')).toEqual([]);
    expect(await files.list('/data/file')).toEqual([]);
  });

  it('links that lead inside are listed as their targets; links that lead outside are not listed', async () => {
    const { root, files, put } = made();
    await put('dir/file', 'x');
    symlinkSync('/data/dir', join(root, 'inside'));
    symlinkSync('/etc', join(root, 'outside'));
    symlinkSync('nothing', join(root, 'dangling'));
    expect((await files.list('/data')).map(({ path, isFile }) => [path, isFile])).toEqual([
      ['/data/dir', false],
      ['/data/inside', false],
    ]);
  });

  it('removing is recursive, removes a link itself, and never all of /data', async () => {
    const { root, files, put } = made();
    await put('dir/deep/file', 'x');
    symlinkSync('dir', join(root, 'link'));
    await files.remove('/data/link');
    expect(readdirSync(root)).toEqual(['dir']);
    await files.remove('/data/dir');
    expect(readdirSync(root)).toEqual([]);
    await expect(files.remove('/data/dir')).rejects.toMatchObject({ reason: 'not_found' });
    for (const all of ['', '/data', '/data//', '.']) {
      await expect(files.remove(all)).rejects.toMatchObject({ reason: 'bad_request' });
    }
  });

  it('renaming creates the parent folders, and reports what it cannot do', async () => {
    const { files, put } = made();
    await put('a', 'x');
    await files.rename('/data/a', '/data/new/b');
    expect((await files.list('/data/new')).map(({ path }) => path)).toEqual(['/data/new/b']);
    await expect(files.rename('/data/a', '/data/c')).rejects.toMatchObject({ reason: 'not_found' });
    await expect(files.rename('/data/new', '/data/new/inside/itself')).rejects.toMatchObject({ reason: 'bad_request' });
    await expect(files.rename('/data/new', '/data/../out')).rejects.toMatchObject({ reason: 'bad_request' });
  });

  it('a directory cannot be written, and a file is not a directory', async () => {
    const { files, put } = made();
    await put('dir/file', 'x');
    for (const path of ['/data/dir', '/data', 'new/', '/data/dir/file/below']) {
      await expect(put(path, 'y'), path).rejects.toMatchObject({ name: 'Refusal' });
    }
    await expect(files.openFile('/data/dir')).rejects.toMatchObject({ reason: 'bad_request' });
    await expect(files.openFile('/data/none')).rejects.toMatchObject({ reason: 'not_found' });
  });

  it('an archive is unpacked below its path and its hash found; names that leave the path are refused', async () => {
    const { folder, root, files } = made();
    const zip = zipOf([
      { name: 'sub/file', content: 'x' },
      { name: '.fal_hash', content: 'abc' },
    ]);
    await files.unpack('synced', zip);
    expect(readFileSync(join(root, 'synced', 'sub', 'file'), 'utf8')).toBe('x');
    expect(await files.hasHash('synced', 'abc')).toBe(true);
    expect(await files.hasHash('synced', 'abd')).toBe(false);
    expect(await files.hasHash('none', 'abc')).toBe(false);
    symlinkSync(folder, join(root, 'link'));
    for (const name of ['../evil', '/evil', 'a/../../../evil', '../link/evil']) {
      await expect(files.unpack('synced', zipOf([{ name, content: 'x' }])), name).rejects.toThrow();
    }
    await expect(files.unpack('link', zipOf([{ name: 'evil', content: 'x' }]))).rejects.toThrow('leaves /data');
    expect(readdirSync(folder)).toEqual(['data']);
  });
});
