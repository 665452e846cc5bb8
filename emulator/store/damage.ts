import { accessSync, constants, existsSync, renameSync } from 'node:fs';

/** The file is readable but isn't what this program wrote. */
export class DamagedStore extends Error {}

/**
 * SQLite's primary result codes that concern the environment (permissions, space, memory, other processes), not the
 * file.
 */
const environmentCodes = new Set([3, 5, 6, 7, 13, 14, 15, 22, 23]);
const readOnly = 8;

/**
 * Whether an error of opening or reading `file` means that its content is damaged. While the store is being opened
 * our own SQL is known to be right, so any other SQLite error ("no such column") is damage of the schema too.
 */
export function isDamage(error: unknown, file: string): boolean {
  if (error instanceof DamagedStore) return true;
  if (!(error instanceof Error && 'errcode' in error && typeof error.errcode === 'number')) return false;
  const code = error.errcode & 0xff;
  // A flipped bit in the header's "write version" makes a writable file look read-only.
  if (code === readOnly) return isWritable(file);
  return !environmentCodes.has(code);
}

/** Renames the file and its write-ahead log to the first free `…damaged-N` and returns the new name. */
export function moveAside(file: string): string {
  let n = 1;
  while (existsSync(`${file}.damaged-${n}`)) n++;
  const aside = `${file}.damaged-${n}`;
  for (const part of ['-wal', '-shm', '']) {
    if (existsSync(file + part)) renameSync(file + part, aside + part);
  }
  return aside;
}

function isWritable(file: string): boolean {
  try {
    accessSync(file, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
