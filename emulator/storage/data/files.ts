import { constants } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { Refusal } from '../refusal.ts';
import { withRefusals } from './failures.ts';
import { type DataEntry, listData, statOf } from './listing.ts';
import { at, stepsOf } from './paths.ts';
import { removeTree } from './remove-tree.ts';
import { readZip } from './zip.ts';

/**
 * The account's `/data`, as the runners see it (docs/platform/rest.md#data-files, docs/platform/runners.md#data). All
 * paths come from clients; none leads outside the root.
 */
export interface DataFiles {
  /**
   * Direct children, sorted; empty for a directory that doesn't exist, as in an object store (the SDK's `exists` relies
   * on it).
   */
  list(path: string): Promise<readonly DataEntry[]>;
  /** A file for reading; the caller closes it. */
  openFile(path: string): Promise<{ readonly handle: FileHandle; readonly size: number }>;
  /** Checks that a file may be put here; refuses before its bytes arrive. */
  check(path: string): Promise<void>;
  /** Moves a finished file into place and creates parent folders. */
  place(path: string, file: string): Promise<void>;
  /** Unpacks a zip archive below the path. */
  unpack(path: string, zip: Buffer): Promise<void>;
  /** Recursive. */
  remove(path: string): Promise<void>;
  rename(path: string, destination: string): Promise<void>;
  /** Whether the directory was synced from one with this hash, which the archive contains in `.fal_hash`. */
  hasHash(path: string, hash: string): Promise<boolean>;
}

/** @throws Refusal `bad_request`, `not_found` (all methods) */
export function createDataFiles(root: string): DataFiles {
  /** Operates on an entry of /data itself: a link is not followed. */
  async function itself<T>(path: string, make: boolean, work: (at: string) => Promise<T>): Promise<T> {
    const steps = stepsOf(path);
    if (steps.length === 0) throw new Refusal('bad_request', 'This is all of /data; specify a file or folder in it.');
    return at(root, steps, { last: 'keep', make }, work);
  }

  /** Operates on a file to be written: a link at the end is followed, as when a runner writes. */
  async function destination<T>(path: string, make: boolean, work: (to: string) => Promise<T>): Promise<T> {
    return at(root, stepsOf(path), { last: 'follow', make }, async (to, isRoot) => {
      if (isRoot || path.endsWith('/') || (await statOf(to))?.isDirectory()) {
        throw new Refusal('bad_request', 'This is a directory; specify a file.');
      }
      return work(to);
    });
  }

  return {
    list: (path) => listData(root, path),
    openFile: async (path) => withRefusals(at(root, stepsOf(path), { last: 'follow' }, openFile)),
    async check(path) {
      await destination(path, false, async () => undefined).catch((error: unknown) => {
        // Parent directories may be missing: they are created later.
        if (!(error instanceof Refusal && error.reason === 'not_found' && error.message === missing)) throw error;
      });
    },
    place: (path, file) => withRefusals(destination(path, true, (to) => rename(file, to))),

    async unpack(path, zip) {
      stepsOf(path);
      for await (const { name, content } of readZip(zip)) {
        if (name.startsWith('/')) throw new Refusal('bad_request', 'The archive has an absolute path.');
        await withRefusals(
          destination(`${path}/${name}`, true, async (to) => {
            const handle = await open(to, writing, 0o644);
            try {
              await handle.writeFile(content);
            } finally {
              await handle.close();
            }
          }),
        );
      }
    },

    remove: (path) => withRefusals(itself(path, false, removeTree)),

    rename: (path, to) =>
      withRefusals(
        itself(path, false, async (from) => {
          if (!(await statOf(from))) throw new Refusal('not_found', missing);
          await itself(to, true, (there) => rename(from, there));
        }),
      ),

    async hasHash(path, hash) {
      try {
        const { handle } = await withRefusals(at(root, [...stepsOf(path), '.fal_hash'], { last: 'follow' }, openFile));
        try {
          const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxHash), 0, maxHash, 0);
          return buffer.toString('utf8', 0, bytesRead).trim() === hash;
        } finally {
          await handle.close();
        }
      } catch (error) {
        if (error instanceof Refusal && (error.reason === 'not_found' || error.message === noFile)) return false;
        throw error;
      }
    },
  };
}

const missing = 'There is no such file or directory.';
const noFile = 'This is not a file.';
const maxHash = 4096;
const writing =
  constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Opens without blocking: a runner may have put a pipe there. */
async function openFile(path: string): Promise<{ readonly handle: FileHandle; readonly size: number }> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const about = await handle.stat();
  if (about.isFile()) return { handle, size: about.size };
  await handle.close();
  throw new Refusal('bad_request', noFile);
}
