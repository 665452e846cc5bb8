import { closeSync, fsyncSync, openSync, writeFileSync } from 'node:fs';

/** Writes a new file (0600) that survives power loss once its folder is synced; throws if the file exists. */
export function writeSynced(file: string, content: string | Uint8Array): void {
  const fd = openSync(file, 'wx', 0o600);
  try {
    writeFileSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes a rename or a new entry in the folder survive power loss. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Hashes become file names: they may contain nothing but 64 lower-case hex digits. */
export function isHash(hash: string): boolean {
  return /^[0-9a-f]{64}$/.test(hash);
}
