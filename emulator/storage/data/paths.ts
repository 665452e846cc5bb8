import { mkdir, readlink } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { Refusal } from '../refusal.ts';
import { type HeldFolder, holdFolder } from './held-folder.ts';
import { codeOf, worded } from './words.ts';

const maxPath = 4096;
const maxLinks = 40;

/**
 * The steps below `/data` that a client's path means (docs/platform/rest.md#data-files): `/data/x` is absolute, `x` is
 * below `/data`; repeated slashes and `.` mean nothing. `..` is refused, not resolved: no client sends it.
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

export interface Way {
  /** Whether a link at the very end is followed, or is itself what is meant (deleting, renaming). */
  readonly last: 'follow' | 'keep';
  /** Whether missing directories on the way are made. */
  readonly make?: boolean;
}

/**
 * Walks the steps from the root, symbolic links followed as a runner follows them: `/data` is the root, and what points
 * outside is refused. Then does the work at the path that it is given, which begins in a directory that is held:
 * runners' code writes here freely, at any moment, and no name that was looked at once is looked up again. At the end
 * of the path the work itself must not follow a link (O_NOFOLLOW, lstat, rename); where it fails with ELOOP, one has
 * just been put there and is followed in turn.
 *
 * @param work `isRoot`: the path is the whole of /data
 * @throws Refusal `bad_request`, `not_found`; and what `work` throws
 */
export async function at<T>(
  root: string,
  steps: readonly string[],
  { last, make = false }: Way,
  work: (path: string, isRoot: boolean) => Promise<T>,
): Promise<T> {
  let pending = steps;
  let done: readonly string[] = [];
  let detours = 0;
  let here = await holdFolder(root, 'follow');
  const moveTo = async (folder: HeldFolder): Promise<void> => {
    await here.close();
    here = folder;
  };
  /**
   * Back to the root, where a `..` or an absolute link leads: a directory that was moved has another parent than it
   * had.
   */
  const restart = async (names: readonly string[]): Promise<void> => {
    pending = names;
    done = [];
    await moveTo(await holdFolder(root, 'follow'));
  };
  const detour = (): void => {
    if (++detours > maxLinks) throw new Refusal('bad_request', 'The symbolic links of this path go in a circle.');
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
        detour();
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
          detour();
          continue;
        }
      }
      const folder = await enter(path, make);
      if (folder === undefined) {
        detour();
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

/** `undefined`: what is there has just changed; look again. */
async function enter(path: string, make: boolean): Promise<HeldFolder | undefined> {
  try {
    return await holdFolder(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' && make) {
      await worded(mkdir(path)).catch((failure: unknown) => {
        // The other one made it, or something else: the next look says.
        if (!(failure instanceof Refusal && failure.reason === 'bad_request')) throw failure;
      });
      return holdFolder(path).catch(() => undefined);
    }
    if (code !== 'ELOOP' && code !== 'ENOTDIR') return worded(Promise.reject(error));
    if ((await linkAt(path)) !== undefined) return undefined;
    throw new Refusal('not_found', 'A part of this path is a file, not a directory.');
  }
}

/** Where a symbolic link leads; `undefined`: this is none, or there is nothing. */
async function linkAt(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EINVAL' || code === 'ENOENT') return undefined;
    return worded(Promise.reject(error));
  }
}

function leaves(): Refusal {
  return new Refusal('bad_request', 'This path leaves /data through a symbolic link.');
}
