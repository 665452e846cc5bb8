import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { inSlices } from '../local/loop/slices.ts';
import { syncFolder } from '../store/durable-file.ts';
import type { Store } from '../store/open.ts';
import { DamagedRow } from '../store/rows.ts';
import { fileRecords } from './file-records.ts';
import type { Quota } from './quota.ts';
import type { Received } from './receive.ts';
import type { FileAbout, StoredFile } from './stored-file.ts';

/** The number of expired files that are removed in one turn of the event loop. */
const atOnce = 500;

/** The files of the CDN: content below a folder, records in the store. */
export interface Files {
  /** An id for a new file. */
  newId(): string;
  /**
   * Moves the content into place, durably; replaces earlier content of the same id. Its bytes must already be in the
   * quota.
   */
  keep(about: FileAbout, content: Received): Promise<StoredFile>;
  /** `undefined`: unknown or expired. `path` is for reading only. */
  find(id: string): { readonly file: StoredFile; readonly path: string } | undefined;
  /**
   * Removes expired files, and content that no record refers to, in batches, until `isOver`.
   * @returns their number and their bytes
   */
  prune(isOver?: () => boolean): Promise<{ readonly files: number; readonly bytes: number }>;
}

export function createFiles(options: {
  readonly folder: string;
  readonly store: Store;
  readonly quota: Quota;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}): Files {
  const { folder, quota, clock } = options;
  const records = fileRecords(options.store);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  quota.take(records.used());
  const place = (id: string): string => join(folder, id.slice(0, 2), id);

  return {
    newId: () => randomBytes(16).toString('hex'),
    async keep(about, { file, size, md5 }) {
      const stored: StoredFile = { ...about, size, md5 };
      mkdirSync(join(folder, about.id.slice(0, 2)), { recursive: true, mode: 0o700 });
      // In one turn of the event loop, so that `prune` never sees one without the other.
      renameSync(file, place(about.id));
      syncFolder(join(folder, about.id.slice(0, 2)));
      quota.give(records.put(stored));
      return stored;
    },
    find(id) {
      const file = records.find(id);
      if (!file || !existsSync(place(id))) return undefined;
      if (file instanceof DamagedRow) {
        quota.give(records.remove(id));
        records.notice(`The damaged record of a stored file (${id}) was dropped: ${file.message}.`);
        return undefined;
      }
      return file.expiresAt !== null && file.expiresAt <= clock() ? undefined : { file, path: place(id) };
    },
    async prune(isOver = () => false) {
      for (let some = atOnce; some === atOnce && !isOver(); await nextTurn()) {
        const expired = records.removeExpired(clock(), atOnce);
        for (const size of expired) quota.give(size);
        some = expired.length;
      }
      let [files, freed] = [0, 0];
      for (const parent of await readdir(folder)) {
        // Checked and removed in one turn of the event loop, so that nothing is removed that `keep` is about to refer
        // to.
        await inSlices(await readdir(join(folder, parent)), (id) => {
          if (isOver() || records.has(id)) return;
          freed += statSync(place(id), { throwIfNoEntry: false })?.size ?? 0;
          files += 1;
          rmSync(place(id), { force: true });
        });
      }
      return { files, bytes: freed };
    },
  };
}
