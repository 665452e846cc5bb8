import { join } from 'node:path';
import { ensureUv } from '../../emulator/local/uv/uv.ts';
import { cacheDir } from './root.ts';

/**
 * The uv that creates the tests' Python environments: found or installed like the emulator's, and kept below
 * test/.cache.
 */
export function findUv(): Promise<string> {
  return ensureUv({ toolsDir: join(cacheDir, 'tools') });
}
