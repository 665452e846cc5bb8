import { realpathSync } from 'node:fs';
import { isAbsolute, relative } from 'node:path';

/** Those of these files that are in none of the folders, where links lead. Pure but for links. */
export function outsideOf(folders: readonly string[], files: readonly string[]): readonly string[] {
  const roots = folders.map(real);
  return files.filter((file) => !roots.some((root) => isBelow(real(file), root)));
}

function isBelow(file: string, folder: string): boolean {
  const path = relative(folder, file);
  return path !== '..' && !/^\.\.[/\\]/.test(path) && !isAbsolute(path);
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
