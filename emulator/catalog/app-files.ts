import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isHash, syncFolder } from './durable-file.ts';

export interface UploadedPart {
  readonly partNumber: number;
  readonly etag: string;
}

/** Files that `fal deploy` and `fal run` sync, uploaded in parts (rest-api.md §4). One account, so one store. */
export interface AppFiles {
  /** Those of `hashes` that aren't here; malformed ones count as missing. */
  missing(hashes: readonly string[]): readonly string[];
  /** The file's bytes on this machine and its whole `st_mode`. */
  find(hash: string): { readonly path: string; readonly mode: number } | undefined;
  /** `mode`: the file's whole st_mode (`33188`), which is part of the hash. @returns the upload's id */
  beginUpload(hash: string, mode: number): string;
  /** Stores part `partNumber` (from 1), replacing an earlier one. @returns its etag, or what is wrong */
  putPart(
    uploadId: string,
    partNumber: number,
    bytes: Uint8Array,
  ): Promise<{ readonly etag: string } | 'unknown' | 'too_large'>;
  /**
   * Joins the parts and checks hex SHA-256 of content ‖ decimal mode. `mismatch` also for a missing or changed part.
   */
  completeUpload(uploadId: string, parts: readonly UploadedPart[]): Promise<'ok' | 'mismatch' | 'unknown'>;
  /** Frees the parts. Unknown ids are fine. */
  cancelUpload(uploadId: string): Promise<void>;
}

interface Upload {
  readonly hash: string;
  readonly mode: number;
  readonly folder: string;
  readonly parts: Map<number, { readonly etag: string; readonly bytes: number }>;
}

/** The client's own limit is 1 GB per file. */
const largestFile = 1024 ** 3;
const mostParts = 10_000;

/** Below `folder`: `files/ab/<hash>/<mode>` holds the bytes, its name the mode, so that both appear in one rename. */
export function createAppFiles(folder: string): AppFiles {
  const uploadsFolder = join(folder, 'uploads');
  // Ids of uploads live in memory: what an earlier emulator left of them can't be completed any more.
  rmSync(uploadsFolder, { recursive: true, force: true });
  mkdirSync(uploadsFolder, { recursive: true, mode: 0o700 });
  mkdirSync(join(folder, 'files'), { recursive: true, mode: 0o700 });
  const uploads = new Map<string, Upload>();
  const place = (hash: string): string => join(folder, 'files', hash.slice(0, 2), hash);

  const find = (hash: string): { path: string; mode: number } | undefined => {
    if (!isHash(hash) || !existsSync(place(hash))) return undefined;
    const mode = readdirSync(place(hash)).find((name) => /^\d+$/.test(name));
    return mode === undefined ? undefined : { path: join(place(hash), mode), mode: Number(mode) };
  };

  const cancelUpload = async (uploadId: string): Promise<void> => {
    const upload = uploads.get(uploadId);
    uploads.delete(uploadId);
    if (upload) await rm(upload.folder, { recursive: true, force: true });
  };

  return {
    find,
    missing: (hashes) => hashes.filter((hash) => !find(hash)),
    beginUpload(hash, mode) {
      if (!isHash(hash)) throw new RangeError('not a SHA-256 in lower-case hex');
      if (!Number.isSafeInteger(mode) || mode < 0) throw new RangeError('not a file mode');
      const uploadId = randomUUID();
      const upload = { hash, mode, folder: join(uploadsFolder, uploadId), parts: new Map() };
      mkdirSync(upload.folder, { mode: 0o700 });
      uploads.set(uploadId, upload);
      return uploadId;
    },
    async putPart(uploadId, partNumber, bytes) {
      const upload = uploads.get(uploadId);
      if (!upload) return 'unknown';
      if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > mostParts) return 'too_large';
      let total = bytes.length;
      for (const [number, part] of upload.parts) if (number !== partNumber) total += part.bytes;
      if (total > largestFile) return 'too_large';
      const etag = createHash('sha256').update(bytes).digest('hex');
      // Counted before it is written, so that parts sent at once can't pass the limit together.
      upload.parts.set(partNumber, { etag, bytes: bytes.length });
      await writeFile(join(upload.folder, String(partNumber)), bytes, { mode: 0o600 });
      return { etag };
    },
    async completeUpload(uploadId, parts) {
      const upload = uploads.get(uploadId);
      if (!upload) return 'unknown';
      // From here on the upload is ours alone: a second completion finds nothing.
      uploads.delete(uploadId);
      try {
        const joined = join(upload.folder, 'joined');
        if (!(await joinParts(upload, parts, joined))) return 'mismatch';
        await keep(joined, upload);
        return 'ok';
      } finally {
        await rm(upload.folder, { recursive: true, force: true });
      }
    },
    cancelUpload,
  };

  async function keep(joined: string, { hash, mode }: Upload): Promise<void> {
    const target = place(hash);
    await mkdir(target, { recursive: true, mode: 0o700 });
    await rename(joined, join(target, String(mode)));
    for (const parent of [target, join(target, '..'), join(folder, 'files')]) syncFolder(parent);
  }
}

/** Writes the parts in order into `joined`, synced; `false` when they aren't the file that was announced. */
async function joinParts(upload: Upload, parts: readonly UploadedPart[], joined: string): Promise<boolean> {
  const ordered = [...parts].sort((a, b) => a.partNumber - b.partNumber);
  const numbers = new Set(ordered.map((part) => part.partNumber));
  if (numbers.size !== ordered.length || numbers.size !== upload.parts.size) return false;
  const hash = createHash('sha256');
  const out = await open(joined, 'wx', 0o600);
  try {
    for (const { partNumber, etag } of ordered) {
      if (upload.parts.get(partNumber)?.etag !== etag) return false;
      const bytes = await readFile(join(upload.folder, String(partNumber)));
      if (createHash('sha256').update(bytes).digest('hex') !== etag) return false;
      hash.update(bytes);
      await out.write(bytes);
    }
    await out.sync();
  } finally {
    await out.close();
  }
  return hash.update(String(upload.mode)).digest('hex') === upload.hash;
}
