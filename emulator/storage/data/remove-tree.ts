import { readdir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from '../refusal.ts';
import { codeOf } from './failures.ts';
import { type HeldFolder, holdFolder } from './held-folder.ts';

/** The maximum depth: each level holds a descriptor. */
const maxDepth = 200;
/** The number of tries: other code may be writing there and replacing directories with links. */
const maxTries = 10;

/**
 * Removes a file, a link, or a directory with its contents, and nothing that a link leads to. (Node's `rm` checks each
 * name and then uses it again: between the two, a directory may have been replaced with a link to another place.)
 * @throws Refusal `bad_request` for a tree that is too deep; otherwise the system's error (ENOENT: nothing exists here)
 */
export async function removeTree(path: string, depth = 0): Promise<void> {
  if (depth > maxDepth) throw new Refusal('bad_request', `This tree has more than ${maxDepth} levels.`);
  for (let tries = 1; ; tries++) {
    try {
      return await unlink(path);
    } catch (error) {
      // EPERM: the error for a directory according to POSIX, and on macOS.
      if (codeOf(error) !== 'EISDIR' && codeOf(error) !== 'EPERM') throw error;
    }
    try {
      await empty(await holdFolder(path), depth);
      return await rmdir(path);
    } catch (error) {
      const changed = ['ELOOP', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST'].includes(codeOf(error));
      if (!changed || tries === maxTries) throw error;
    }
  }
}

async function empty(folder: HeldFolder, depth: number): Promise<void> {
  try {
    for (const name of await readdir(folder.path)) {
      await removeTree(join(folder.path, name), depth + 1).catch((error: unknown) => {
        if (codeOf(error) !== 'ENOENT') throw error;
      });
    }
  } finally {
    await folder.close();
  }
}
