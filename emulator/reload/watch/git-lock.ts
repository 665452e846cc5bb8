import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** A lock that is older was left by a git that was killed. */
const maxAgeMs = 10_000;

/** Whether git is changing the files of the working tree of `folder`, such as during a checkout or a rebase. */
export function isGitBusy(folder: string, now = Date.now()): boolean {
  const git = gitFolder(folder);
  if (git === undefined) return false;
  try {
    // The clock may have been set since.
    return Math.abs(now - statSync(join(git, 'index.lock')).mtimeMs) < maxAgeMs;
  } catch {
    return false;
  }
}

/** The nearest `.git`, which in a worktree is a file that names the folder. */
function gitFolder(folder: string): string | undefined {
  const path = join(folder, '.git');
  try {
    if (statSync(path).isDirectory()) return path;
    const [, named] = /^gitdir: (.+)$/m.exec(readFileSync(path, 'utf8')) ?? [];
    return named === undefined ? undefined : resolve(folder, named);
  } catch {
    const parent = dirname(folder);
    return parent === folder ? undefined : gitFolder(parent);
  }
}
