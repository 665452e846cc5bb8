import { realpathSync } from 'node:fs';
import { join, relative } from 'node:path/posix';

/** A folder that the window reaches through a symbolic link. */
export interface LinkedFolder {
  /** Where it is: Python's working folder, and so the path of a file there, has no links. */
  readonly real: string;
  /** As the window opened it. */
  readonly opened: string;
}

/** Those of these folders that are reached through a link. */
export function linkedFolders(folders: readonly string[]): readonly LinkedFolder[] {
  return [...new Set(folders)].flatMap((opened) => {
    try {
      const real = realpathSync(opened);
      return real === opened ? [] : [{ real, opened }];
    } catch {
      return [];
    }
  });
}

/** The paths by which the window may know a file: its own, and those through links. Pure. */
export function openedPaths(file: string, links: readonly LinkedFolder[]): readonly string[] {
  const inside = links.flatMap(({ real, opened }) => {
    const path = relative(real, file);
    return path.startsWith('..') ? [] : [join(opened, path)];
  });
  return [file, ...inside];
}

/** A file by the path that the window has for it, so that it gets no second tab. */
export function openedPath(file: string, folders: readonly string[]): string {
  return openedPaths(file, linkedFolders(folders)).at(-1) ?? file;
}
