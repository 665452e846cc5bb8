import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Store } from '../store/open.ts';
import { createDataFiles, type DataFiles } from './data/files.ts';
import { createFiles, type Files } from './files.ts';
import { createKeyValues, type KeyValues } from './key-values.ts';
import { createQuota, type Quota } from './quota.ts';
import type { FileAbout, StoredFile } from './stored-file.ts';
import { createUploads, type Uploads } from './uploads.ts';

export interface Storage {
  /** The CDN's files, and uploads to it. */
  readonly files: Files;
  readonly uploads: Uploads<FileAbout, StoredFile>;
  readonly keyValues: KeyValues;
  /** `/data`, and uploads to it, each identified by its path. */
  readonly dataFiles: DataFiles;
  readonly dataUploads: Uploads<string, { readonly md5: string }>;
  readonly quota: Quota;
  /** Removes expired data in batches, until `isOver`. Call it from time to time. */
  prune(isOver?: () => boolean): Promise<void>;
}

export interface StorageDeps {
  /** The emulator's folder: `storage/` in it contains the content, `data/` is the runners' `/data`. */
  readonly folder: string;
  readonly store: Store;
  /**
   * The limit for stored files, values, and unfinished uploads together. `/data` is limited only by the disk, because
   * runners also write there.
   */
  readonly maxBytes: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** Everything that apps and callers store (docs/platform/rest.md#data-files, #storage). */
export function createStorage({ folder, store, maxBytes, clock }: StorageDeps): Storage {
  const quota = createQuota(maxBytes);
  const files = createFiles({ folder: join(folder, 'storage', 'files'), store, quota, clock });
  const keyValues = createKeyValues(store, quota, clock);
  const root = join(folder, 'data');
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const dataFiles = createDataFiles(root);
  return {
    files,
    keyValues,
    dataFiles,
    quota,
    uploads: createUploads({ folder: join(folder, 'storage', 'uploads'), quota, clock, keep: files.keep }),
    dataUploads: createUploads({
      folder: join(folder, 'storage', 'data-uploads'),
      quota,
      clock,
      async keep(path: string, { file, size, md5 }) {
        await dataFiles.place(path, file);
        quota.give(size);
        return { md5 };
      },
    }),
    async prune(isOver) {
      await files.prune(isOver);
      await keyValues.prune(isOver);
    },
  };
}
