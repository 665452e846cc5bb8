import { lstat, readlink } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { Refusal } from './refusal.ts';

const longestPath = 4096;
const mostLinks = 40;

/**
 * The steps below `/data` that a client's path means (rest-api.md §5): `/data/x` is absolute, `x` is below `/data`; repeated slashes and
 * `.` mean nothing. `..` is refused, not resolved: no client sends it.
 * @throws Refusal `bad_request`
 */
export function stepsOf(path: string): readonly string[] {
  if (path.length > longestPath || path.includes('\0')) throw new Refusal('bad_request', 'This is not a path.');
  const steps = path.split('/').filter((step) => step !== '' && step !== '.');
  const foreign = steps.find((step) => step === '..' || (sep !== '/' && step.includes(sep)));
  if (foreign !== undefined) throw new Refusal('bad_request', 'A path may not contain "..".');
  if (!path.startsWith('/')) return steps;
  if (steps[0] !== 'data') throw new Refusal('bad_request', 'An absolute path begins with /data.');
  return steps.slice(1);
}

/**
 * Where the steps lead on this machine, symbolic links followed as a runner follows them: `/data` is the root, and what points outside is
 * refused. Runners' code writes here freely, so no link is trusted.
 * @param last whether a link at the very end is followed, or is itself what is meant (deleting, renaming)
 * @throws Refusal `bad_request`
 */
export async function locate(root: string, steps: readonly string[], last: 'follow' | 'keep'): Promise<string> {
  let pending = [...steps];
  let done: string[] = [];
  let links = 0;
  for (let step = pending.shift(); step !== undefined; step = pending.shift()) {
    if (step === '..') {
      if (done.pop() === undefined) throw leaves();
      continue;
    }
    const here = join(root, ...done, step);
    if ((pending.length === 0 && last === 'keep') || !(await isLink(here))) {
      done.push(step);
      continue;
    }
    links += 1;
    if (links > mostLinks) throw new Refusal('bad_request', 'The symbolic links of this path go in a circle.');
    const target = await readlink(here);
    const further = target.split('/').filter((part) => part !== '' && part !== '.');
    if (target.startsWith('/')) {
      if (further.shift() !== 'data') throw leaves();
      done = [];
    }
    pending = [...further, ...pending];
  }
  return join(root, ...done);
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return false;
    if (code === 'ENOTDIR') throw new Refusal('not_found', 'A part of this path is a file, not a directory.');
    if (code === 'ENAMETOOLONG') throw new Refusal('bad_request', 'A name in this path is too long.');
    throw error;
  }
}

function leaves(): Refusal {
  return new Refusal('bad_request', 'This path leaves /data through a symbolic link.');
}
