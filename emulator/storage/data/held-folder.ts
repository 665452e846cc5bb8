import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';

/** A directory that stays the same one that was opened, even if its name changes. Paths below `path` start in it. */
export interface HeldFolder {
  readonly path: string;
  close(): Promise<void>;
}

/** Linux: a reference to a path without the right to read it. Node has no constant for it. */
const pathOnly = 0o10000000;
const canHold = process.platform === 'linux';

/**
 * Holds a directory by its descriptor: Node has no `openat`, but a path below `/proc/self/fd/N` starts in the directory
 * itself. Fails with ELOOP or ENOTDIR for a symbolic link at the end, unless the link is to be followed. differs:
 * systems other than Linux can't hold a directory; there, the name is checked and used again.
 */
export async function holdFolder(path: string, link: 'refuse' | 'follow' = 'refuse'): Promise<HeldFolder> {
  if (!canHold) {
    if (link === 'refuse' && !(await lstat(path)).isDirectory()) {
      throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' });
    }
    return { path, close: async () => undefined };
  }
  const noFollow = link === 'refuse' ? constants.O_NOFOLLOW : 0;
  const handle = await open(path, pathOnly | constants.O_DIRECTORY | noFollow);
  return { path: `/proc/self/fd/${handle.fd}`, close: () => handle.close() };
}
