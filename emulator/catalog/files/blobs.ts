import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isHash, syncFolder, writeSynced } from '../../store/durable-file.ts';
import type { Blobs } from '../types.ts';

export interface StoredBlobs extends Blobs {
  /**
   * Removes all other blobs, and temporary ones that an emulator left which was killed. Call it at start, before any
   * blob is put.
   */
  removeExcept(hashes: ReadonlySet<string>): void;
}

/**
 * Blobs below `folder`, each in a file named by its hash: written to a temporary file, synced, then renamed, so that a
 * hash as a name guarantees complete content.
 */
export function createBlobs(folder: string): StoredBlobs {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = (hash: string): string => {
    if (!isHash(hash)) throw new RangeError('not a SHA-256 in lower-case hex');
    return join(folder, hash.slice(0, 2), hash);
  };
  return {
    put(bytes) {
      const hash = createHash('sha256').update(bytes).digest('hex');
      const file = path(hash);
      if (existsSync(file)) return hash;
      const parent = join(folder, hash.slice(0, 2));
      if (!existsSync(parent)) {
        mkdirSync(parent, { mode: 0o700 });
        syncFolder(folder);
      }
      const temporary = join(parent, `${randomUUID()}.new`);
      writeSynced(temporary, bytes);
      renameSync(temporary, file);
      syncFolder(parent);
      return hash;
    },
    putTemporary(bytes) {
      const parent = join(folder, 'temporary');
      mkdirSync(parent, { recursive: true, mode: 0o700 });
      const file = join(parent, randomUUID());
      writeFileSync(file, bytes, { mode: 0o600, flag: 'wx' });
      return { file, remove: () => rmSync(file, { force: true }) };
    },
    has: (hash) => isHash(hash) && existsSync(path(hash)),
    path,
    removeExcept(hashes) {
      for (const parent of readdirSync(folder)) {
        for (const name of readdirSync(join(folder, parent))) {
          if (!hashes.has(name)) rmSync(join(folder, parent, name), { force: true });
        }
      }
    },
  };
}
