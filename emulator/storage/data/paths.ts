import { mkdir, readlink } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { Refusal } from '../refusal.ts';
import { codeOf, withRefusals } from './failures.ts';
import { type HeldFolder, holdFolder } from './held-folder.ts';

const maxPath = 4096;
const maxLinks = 40;

/**
 * The steps below `/data` that a client's path consists of (docs/platform/rest.md#data-files): `/data/x` is absolute,
 * `x` is relative to `/data`; repeated slashes and `.` are ignored. `..` is refused, not resolved: no client sends it.
 * @throws Refusal `bad_request`
 */
export function stepsOf(path: string): readonly string[] {
  if (path.length > maxPath || path.includes('\0')) throw new Refusal('bad_request', 'This is not a path.');
  const steps = path.split('/').filter((step) => step !== '' && step !== '.');
  const foreign = steps.find((step) => step === '..' || (sep !== '/' && step.includes(sep)));
  if (foreign !== undefined) throw new Refusal('bad_request', 'A path may not contain "..".');
  if (!path.startsWith('/')) return steps;
  if (steps[0] !== 'data') throw new Refusal('bad_request', 'An absolute path begins with /data.');
  return steps.slice(1);
}

export interface PathOptions {
  /** Whether a link at the very end is followed, or is itself the target (deleting, renaming). */
  readonly last: 'follow' | 'keep';
  /** Whether missing parent directories are created. */
  readonly make?: boolean;
}

/**
 * Follows the steps from the root, including symbolic links, as a runner does: `/data` is the root, and a link that
 * points outside is refused. Then calls `work` with a path that starts in a directory that is held open: code in
 * runners can write here at any moment, so no name that was checked once is looked up again. At the end of the path,
 * `work` itself must not follow a link (O_NOFOLLOW, lstat, rename); if it fails with ELOOP, a link has just been put
 * there, and is followed in turn.
 *
 * @param work `isRoot`: the path is /data itself
 * @throws Refusal `bad_request`, `not_found`; and what `work` throws
 */
export async function at<T>(
  root: string,
  steps: readonly string[],
  { last, make = false }: PathOptions,
  work: (path: string, isRoot: boolean) => Promise<T>,
): Promise<T> {
  let pending = steps;
  let done: readonly string[] = [];
  let links = 0;
  let here = await holdFolder(root, 'follow');
  const moveTo = async (folder: HeldFolder): Promise<void> => {
    await here.close();
    here = folder;
  };
  /**
   * Returns to the root for a `..` or an absolute link: a directory that was moved has a different parent than before.
   */
  const restart = async (names: readonly string[]): Promise<void> => {
    pending = names;
    done = [];
    await moveTo(await holdFolder(root, 'follow'));
  };
  const noteLink = (): void => {
    if (++links > maxLinks) throw new Refusal('bad_request', 'The symbolic links of this path form a loop.');
  };

  try {
    for (;;) {
      const [step, ...rest] = pending;
      if (step === undefined) return await work(here.path, true);
      if (step === '..') {
        if (done.length === 0) throw leaves();
        await restart([...done.slice(0, -1), ...rest]);
        continue;
      }
      const path = join(here.path, step);
      const isLast = rest.length === 0;
      if (isLast && last === 'keep') return await work(path, false);
      const target = await linkAt(path);
      if (target !== undefined) {
        noteLink();
        const further = target.split('/').filter((part) => part !== '' && part !== '.');
        if (!target.startsWith('/')) pending = [...further, ...rest];
        else if (further.shift() === 'data') await restart([...further, ...rest]);
        else throw leaves();
        continue;
      }
      if (isLast) {
        try {
          return await work(path, false);
        } catch (error) {
          if (codeOf(error) !== 'ELOOP') throw error;
          noteLink();
          continue;
        }
      }
      const folder = await enter(path, make);
      if (folder === undefined) {
        noteLink();
        continue;
      }
      await moveTo(folder);
      done = [...done, step];
      pending = rest;
    }
  } finally {
    await here.close();
  }
}

/** `undefined`: the entry has just changed; look again. */
async function enter(path: string, make: boolean): Promise<HeldFolder | undefined> {
  try {
    return await holdFolder(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' && make) {
      await withRefusals(mkdir(path)).catch((failure: unknown) => {
        // Another process has created it, or something else in its place: the next look decides.
        if (!(failure instanceof Refusal && failure.reason === 'bad_request')) throw failure;
      });
      return holdFolder(path).catch(() => undefined);
    }
    if (code !== 'ELOOP' && code !== 'ENOTDIR') return withRefusals(Promise.reject(error));
    if ((await linkAt(path)) !== undefined) return undefined;
    throw new Refusal('not_found', 'A part of this path is a file, not a directory.');
  }
}

/** The target of a symbolic link; `undefined`: this is not a link, or nothing exists here. */
async function linkAt(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EINVAL' || code === 'ENOENT') return undefined;
    return withRefusals(Promise.reject(error));
  }
}

function leaves(): Refusal {
  return new Refusal('bad_request', 'This path leaves /data through a symbolic link.');
}
