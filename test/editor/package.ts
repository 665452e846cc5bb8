import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { mustRun } from '../support/process.ts';
import { cacheDir, root } from '../support/root.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The packaged extension. */
    readonly vsix: string;
  }
}

/** Makes the .vsix once for all files, as `npm run package` does. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('vsix', await packageExtension());
}

/** @returns the package's file. `kind`: with all texts in the language qps-ploc, too */
export async function packageExtension(kind?: 'test-language'): Promise<string> {
  await mkdir(cacheDir, { recursive: true });
  const vsix = join(cacheDir, kind ? `minifal-${kind}.vsix` : 'minifal.vsix');
  // Worktrees may share the files of the cache by hard links: writing into the old file would change theirs, too.
  await rm(vsix, { force: true });
  const args = ['scripts/package.ts', '--out', vsix, ...(kind ? [`--${kind}`] : [])];
  await mustRun(process.execPath, args, { cwd: root, timeoutMs: 300_000 });
  return vsix;
}
