import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { testFolder } from './folder.ts';

/**
 * For tests: copies the store's files as they are on disk now, which is what the next emulator would find after a
 * crash.
 */
export function afterCrash(file: string): string {
  const copy = join(testFolder(), 'minifal.db');
  for (const end of ['', '-wal']) copyFileSync(`${file}${end}`, `${copy}${end}`);
  return copy;
}
