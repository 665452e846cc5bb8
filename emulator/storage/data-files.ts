import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { locate, stepsOf } from './data-paths.ts';
import { Refusal } from './refusal.ts';
import { readZip } from './zip.ts';

export interface DataEntry {
  /** Absolute: `/data/…`. */
  readonly path: string;
  readonly size: number;
  readonly isFile: boolean;
  /** Milliseconds since the epoch. */
  readonly updatedAt: number;
}

/** `/data` of the account, as the runners see it (rest-api.md §5, runner.md §8). Every path is a client's; none leaves the root. */
export interface DataFiles {
  /** Direct children, sorted; none for a directory that isn't there, as in an object store (the SDK's `exists` counts on it). */
  list(path: string): Promise<readonly DataEntry[]>;
  /** A file for reading; the caller closes it. */
  openFile(path: string): Promise<{ readonly handle: FileHandle; readonly size: number }>;
  /** Where a file may be put; refuses before its bytes come. */
  check(path: string): Promise<void>;
  /** Moves a finished file into place, parents made. */
  place(path: string, file: string): Promise<void>;
  /** Unpacks a zip archive below the path. */
  unpack(path: string, zip: Buffer): Promise<void>;
  /** Recursive. */
  remove(path: string): Promise<void>;
  rename(path: string, destination: string): Promise<void>;
  /** Whether the directory was synced from one with this hash: the archive brought it along in `.fal_hash`. */
  hasHash(path: string, hash: string): Promise<boolean>;
}

/** @throws Refusal `bad_request`, `not_found` (all methods) */
export function createDataFiles(root: string): DataFiles {
  async function target(path: string): Promise<string> {
    const steps = stepsOf(path);
    if (steps.length === 0) throw new Refusal('bad_request', 'This is the whole of /data; name something in it.');
    return locate(root, steps, 'keep');
  }

  /** A file to be written: through a link at the end, too, as a runner would write. */
  async function destination(path: string): Promise<string> {
    const to = await locate(root, stepsOf(path), 'follow');
    if (to === root || path.endsWith('/') || (await statOf(to))?.isDirectory()) {
      throw new Refusal('bad_request', 'This is a directory; name a file.');
    }
    return to;
  }

  async function place(path: string, file: string): Promise<void> {
    const to = await destination(path);
    await worded(mkdir(dirname(to), { recursive: true }));
    await worded(rename(file, to));
  }

  return {
    async list(path) {
      if (/^\/+$/.test(path)) {
        return [{ path: '/data', size: 0, isFile: false, updatedAt: (await stat(root)).mtimeMs }];
      }
      const steps = stepsOf(path);
      const folder = await locate(root, steps, 'follow');
      const names = (await statOf(folder))?.isDirectory() ? await readdir(folder) : [];
      const entries = await Promise.all(names.map((name) => entryOf(root, [...steps, name])));
      return entries
        .filter((entry) => entry !== undefined)
        .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
    },

    async openFile(path) {
      const file = await locate(root, stepsOf(path), 'follow');
      // Without waiting: a runner may have put a pipe there.
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      const handle = await worded(open(file, flags));
      const about = await handle.stat();
      if (about.isFile()) return { handle, size: about.size };
      await handle.close();
      throw new Refusal('bad_request', 'This is not a file.');
    },

    check: async (path) => void (await destination(path)),
    place,

    async unpack(path, zip) {
      stepsOf(path);
      for (const { name, content } of readZip(zip)) {
        if (name.startsWith('/')) throw new Refusal('bad_request', 'The archive has an absolute path.');
        const to = await destination(`${path}/${name}`);
        await worded(mkdir(dirname(to), { recursive: true }));
        const handle = await worded(
          open(to, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, 0o644),
        );
        try {
          await handle.writeFile(content);
        } finally {
          await handle.close();
        }
      }
    },

    async remove(path) {
      const what = await target(path);
      if (!(await statOf(what))) throw new Refusal('not_found', 'There is no such file or directory.');
      await worded(rm(what, { recursive: true }));
    },

    async rename(path, to) {
      const from = await target(path);
      if (!(await statOf(from))) throw new Refusal('not_found', 'There is no such file or directory.');
      const there = await target(to);
      await worded(mkdir(dirname(there), { recursive: true }));
      await worded(rename(from, there));
    },

    async hasHash(path, hash) {
      const folder = stepsOf(path);
      const file = await locate(root, [...folder, '.fal_hash'], 'follow');
      if (!(await statOf(file))?.isFile()) return false;
      return (await readFile(file, 'utf8')).trim() === hash;
    },
  };
}

/** `undefined`: gone meanwhile, or a link that leads nowhere we go. */
async function entryOf(root: string, steps: readonly string[]): Promise<DataEntry | undefined> {
  try {
    const about = await statOf(await locate(root, steps, 'follow'));
    if (about === undefined) return undefined;
    const isFile = !about.isDirectory();
    return { path: join('/data', ...steps), size: isFile ? about.size : 0, isFile, updatedAt: about.mtimeMs };
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'ENAMETOOLONG') throw new Refusal('bad_request', 'A name in this path is too long.');
    throw error;
  }
}

const words: { readonly [code: string]: readonly ['bad_request' | 'not_found' | 'full', string] } = {
  ENOENT: ['not_found', 'There is no such file.'],
  ENOTDIR: ['bad_request', 'A part of this path is a file, not a directory.'],
  EEXIST: ['bad_request', 'A part of this path is a file, not a directory.'],
  EISDIR: ['bad_request', 'This is a directory.'],
  ENOTEMPTY: ['bad_request', 'The destination is a directory that is not empty.'],
  EINVAL: ['bad_request', 'A directory cannot be moved into itself.'],
  ELOOP: ['bad_request', 'This is a symbolic link.'],
  ENXIO: ['bad_request', 'This is not a file.'],
  ENAMETOOLONG: ['bad_request', 'A name in this path is too long.'],
  EACCES: ['bad_request', 'The rights of this file or directory do not allow it.'],
  ENOSPC: ['full', 'The disk of this machine is full.'],
};

/** The failures that a path can cause, as sentences. */
async function worded<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const found = words[codeOf(error)];
    throw found ? new Refusal(...found) : error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
