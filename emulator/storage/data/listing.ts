import type { Stats } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from '../refusal.ts';
import { codeOf, withRefusals } from './failures.ts';
import { type HeldFolder, holdFolder } from './held-folder.ts';
import { at, stepsOf } from './paths.ts';

export interface DataEntry {
  /** Absolute: `/data/…`. */
  readonly path: string;
  readonly size: number;
  readonly isFile: boolean;
  /** Milliseconds since the epoch. */
  readonly updatedAt: number;
}

/** The number of directory entries that are examined in parallel. */
const atOnce = 64;

/**
 * Direct children of a directory below `root`, sorted; empty for a directory that doesn't exist.
 * @throws Refusal `bad_request`
 */
export async function listData(root: string, path: string): Promise<readonly DataEntry[]> {
  if (/^\/+$/.test(path)) {
    return [{ path: '/data', size: 0, isFile: false, updatedAt: (await stat(root)).mtimeMs }];
  }
  const steps = stepsOf(path);
  try {
    return await at(root, steps, { last: 'follow' }, async (at, isRoot) => {
      const folder = await holdFolder(at, isRoot ? 'follow' : 'refuse');
      try {
        return await children(root, folder, steps);
      } finally {
        await folder.close();
      }
    });
  } catch (error) {
    if (error instanceof Refusal && error.reason === 'not_found') return [];
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    return withRefusals(Promise.reject(error));
  }
}

/** `undefined`: there is nothing. A link is returned as a link. */
export async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    return withRefusals(Promise.reject(error));
  }
}

async function children(root: string, folder: HeldFolder, steps: readonly string[]): Promise<readonly DataEntry[]> {
  const names = await withRefusals(readdir(folder.path));
  const entries: DataEntry[] = [];
  for (let from = 0; from < names.length; from += atOnce) {
    const some = names.slice(from, from + atOnce).map((name) => entryOf(root, folder, steps, name));
    entries.push(...(await Promise.all(some)).filter((entry) => entry !== undefined));
  }
  return entries.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** `undefined`: deleted in the meantime, or a link that leads nowhere or outside. */
async function entryOf(
  root: string,
  folder: HeldFolder,
  steps: readonly string[],
  name: string,
): Promise<DataEntry | undefined> {
  try {
    const own = await statOf(join(folder.path, name));
    const about = own?.isSymbolicLink() ? await at(root, [...steps, name], { last: 'follow' }, statOf) : own;
    if (about === undefined) return undefined;
    const isFile = !about.isDirectory();
    return { path: join('/data', ...steps, name), size: isFile ? about.size : 0, isFile, updatedAt: about.mtimeMs };
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}
