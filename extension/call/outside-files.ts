import { realpathSync } from 'node:fs';
import { isInside } from '../workspace/code/listed.ts';

/** Those of these files that are in none of the folders, where links lead. Pure but for links. */
export function outsideOf(folders: readonly string[], files: readonly string[]): readonly string[] {
  const roots = folders.map(real);
  return files.filter((file) => !roots.some((root) => isInside(real(file), root)));
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
