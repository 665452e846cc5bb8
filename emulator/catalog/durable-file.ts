import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Makes a rename or a new entry in the folder survive power loss. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Hashes become file names: nothing but 64 lower-case hex digits may. */
export function isHash(hash: string): boolean {
  return /^[0-9a-f]{64}$/.test(hash);
}
