import { join, relative } from 'node:path/posix';
import { appsFor, inRunner, type Workspace, workspaceFile } from '../problems/runner-paths.ts';

/** Between the paths of files in this window and those in a runner. */
export interface DebugPaths {
  /** Where the code of a file runs: at the path without links that Python knows, and as a copy of `app_files`. */
  toRunner(path: string): readonly [own: string, copy?: string];
  toEditor(path: string): string;
}

/** Those of a runner of this alias. Pure but for what the workspace reads. */
export function debugPaths(alias: string, workspace: Workspace): DebugPaths {
  return {
    toRunner(path) {
      const inside = workspace.links.flatMap(({ real, opened }) => {
        const within = relative(opened, path);
        return within.startsWith('..') ? [] : [join(real, within)];
      });
      const copies = appsFor(alias, workspace.apps).flatMap(({ filesRoot }) => {
        const within = relative(filesRoot, path);
        return within.startsWith('..') ? [] : [join(inRunner, within)];
      });
      const [copy] = copies;
      return copy === undefined ? [inside[0] ?? path] : [inside[0] ?? path, copy];
    },
    toEditor: (path) => workspaceFile(path, alias, workspace) ?? path,
  };
}
