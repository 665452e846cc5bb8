import { realpathSync } from 'node:fs';
import { sep } from 'node:path';
import { UserError } from '../wire/errors.ts';
import type { Shares } from '../wire/isolation.ts';

/**
 * Refuses shares by which every app would see the data folder, where the owner's key, the secrets and all requests are.
 * @param folder the data folder; may not exist yet
 * @throws UserError with the next step
 */
export function checkShares(folders: Shares['folders'], folder: string): void {
  const data = real(folder);
  for (const { path } of folders) {
    const shared = real(path);
    if (isAtOrBelow(data, shared) || isAtOrBelow(shared, data)) {
      throw new UserError(
        `${path} can't be shared: minifal's own data folder is there (${folder}), with its key and secrets.`,
        'Share the folders that apps need, e.g. --share ~/models, or keep the data elsewhere with --data.',
      );
    }
  }
}

function isAtOrBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
