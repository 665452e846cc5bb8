import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { CheckFacts } from './facts.ts';

/** Of the app's file and the folders above it, so many may have its modules. */
const maxFolders = 5;

/** What the disk says about the files next to a Python file. */
export function fileFacts(path: string): Required<Pick<CheckFacts, 'isLocal' | 'fileBytes'>> {
  const folders = [dirname(path)];
  while (folders.length < maxFolders) folders.push(dirname(folders.at(-1) ?? path));
  return {
    isLocal: (module) =>
      folders.some((folder) => [module, `${module}.py`].some((name) => existsSync(join(folder, name)))),
    fileBytes: (folder, name) => {
      try {
        const found = statSync(resolve(dirname(path), folder, name));
        return found.isFile() ? found.size : undefined;
      } catch {
        // Such as a name that no file can have.
        return undefined;
      }
    },
  };
}
