import { readdir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from '../refusal.ts';
import { type HeldFolder, holdFolder } from './held-folder.ts';
import { codeOf } from './words.ts';

/** Each level holds a descriptor. */
const deepest = 200;
/** Somebody may be writing there, and put links in the place of directories. */
const maxTries = 10;

/**
 * Removes a file, a link, or a directory with all that is in it, and nothing that a link leads to. (Node's `rm` looks
 * at each name and then uses it again: between the two, a directory may have become a link to elsewhere.)
 * @throws Refusal `bad_request` for a tree too deep; what the system says otherwise (ENOENT: there is nothing)
 */
export async function removeTree(path: string, depth = 0): Promise<void> {
  if (depth > deepest) throw new Refusal('bad_request', `This tree has more than ${deepest} levels.`);
  for (let tries = 1; ; tries++) {
    try {
      return await unlink(path);
    } catch (error) {
      // EPERM: what POSIX wants for a directory, and what macOS says.
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
