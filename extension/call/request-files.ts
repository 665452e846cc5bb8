import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const maxKept = 200;

/**
 * The texts of requests that aren't in the workspace, by the path of their document. They are kept on the disk, so that
 * a window has them again after a reload; the oldest are removed when there are too many.
 */
export function createRequestFiles(folder: string) {
  const fileOf = (path: string) => join(folder, `${createHash('sha256').update(path).digest('hex').slice(0, 32)}.json`);

  async function prune(): Promise<void> {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
    if (names.length <= maxKept) return;
    const ages = await Promise.all(
      names.map(async (name) => ({ name, at: (await stat(join(folder, name)).catch(() => undefined))?.mtimeMs ?? 0 })),
    );
    const old = ages.sort((a, b) => b.at - a.at).slice(maxKept);
    for (const { name } of old) await rm(join(folder, name), { force: true });
  }

  return {
    /** @throws errors of the disk; `ENOENT`: it was never written, or was removed */
    async stat(path: string): Promise<{ readonly size: number; readonly mtime: number }> {
      const { size, mtimeMs } = await stat(fileOf(path));
      return { size, mtime: mtimeMs };
    },
    read: (path: string): Promise<Uint8Array> => readFile(fileOf(path)),
    /** Only whole: another text is there until then. @throws errors of the disk */
    async write(path: string, bytes: Uint8Array): Promise<void> {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const file = fileOf(path);
      await writeFile(`${file}.new`, bytes, { mode: 0o600 });
      await rename(`${file}.new`, file);
      await prune();
    },
  };
}

export type RequestFiles = ReturnType<typeof createRequestFiles>;
