import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inSlices } from '../../local/loop/slices.ts';
import { isHash, syncFolder } from '../../store/durable-file.ts';

export interface UploadedPart {
  readonly partNumber: number;
  readonly etag: string;
}

/**
 * Files that `fal deploy` and `fal run` sync, uploaded in parts (docs/platform/rest.md#app-files). One account, so one
 * store.
 */
export interface AppFiles {
  /** The `hashes` that aren't stored; malformed ones count as missing. */
  missing(hashes: readonly string[]): Promise<readonly string[]>;
  /** The path of the file on this machine and its complete `st_mode`. */
  find(hash: string): { readonly path: string; readonly mode: number } | undefined;
  /**
   * `mode`: the file's complete st_mode (`33188`), which is part of the hash.
   * @returns the upload's id
   */
  beginUpload(hash: string, mode: number): string;
  /**
   * Stores part `partNumber` (from 1), replacing an earlier one.
   * @returns its etag, or what is wrong
   */
  putPart(
    uploadId: string,
    partNumber: number,
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<{ readonly etag: string } | 'unknown' | 'too_large'>;
  /**
   * Joins the parts and checks the hex SHA-256 of content ‖ decimal mode. `mismatch` also means a missing or changed
   * part.
   */
  completeUpload(uploadId: string, parts: readonly UploadedPart[]): Promise<'ok' | 'mismatch' | 'unknown'>;
  /** Frees the parts. Unknown ids are ignored. */
  cancelUpload(uploadId: string): Promise<void>;
}

interface Upload {
  readonly hash: string;
  readonly mode: number;
  readonly folder: string;
  readonly parts: Map<number, { readonly etag: string; readonly bytes: number }>;
  /** The limit for all parts together, including those that are still arriving. */
  bytes: number;
}

/** The client's own limit is 1 GB per file. */
const maxFile = 1024 ** 3;
const maxParts = 10_000;

/**
 * Below `folder`: `files/ab/<hash>/<mode>` contains the bytes. The mode is the file name, so that both appear in one
 * rename.
 */
export function createAppFiles(folder: string): AppFiles {
  const uploadsFolder = join(folder, 'uploads');
  // Upload ids are kept in memory: uploads that an earlier emulator left behind can't be completed any more.
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
    async missing(hashes) {
      const missing: string[] = [];
      await inSlices(hashes, (hash) => {
        if (!find(hash)) missing.push(hash);
      });
      return missing;
    },
    beginUpload(hash, mode) {
      if (!isHash(hash)) throw new RangeError('not a SHA-256 in lower-case hex');
      if (!Number.isSafeInteger(mode) || mode < 0) throw new RangeError('not a file mode');
      const uploadId = randomUUID();
      const upload = { hash, mode, folder: join(uploadsFolder, uploadId), parts: new Map(), bytes: 0 };
      mkdirSync(upload.folder, { mode: 0o700 });
      uploads.set(uploadId, upload);
      return uploadId;
    },
    async putPart(uploadId, partNumber, source) {
      const upload = uploads.get(uploadId);
      if (!upload) return 'unknown';
      if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > maxParts) return 'too_large';
      // A unique file name, because the same part may arrive twice at the same time.
      const coming = join(upload.folder, randomUUID());
      const part = await receive(upload, partNumber, source, coming);
      if (part === 'too_large') return part;
      const isOurs = uploads.get(uploadId) === upload;
      upload.bytes -= isOurs ? (upload.parts.get(partNumber)?.bytes ?? 0) : part.bytes;
      if (!isOurs) {
        await rm(coming, { force: true });
        return 'unknown';
      }
      // In one turn, so that the part's entry and its content change together.
      renameSync(coming, join(upload.folder, String(partNumber)));
      upload.parts.set(partNumber, part);
      return { etag: part.etag };
    },
    async completeUpload(uploadId, parts) {
      const upload = uploads.get(uploadId);
      if (!upload) return 'unknown';
      // From here on, the upload belongs to this call alone: a second completion finds nothing.
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

/** Writes a part into a new file. Its bytes count while they arrive, so that parallel parts can't exceed the limit. */
async function receive(
  upload: Upload,
  partNumber: number,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  file: string,
): Promise<{ readonly etag: string; readonly bytes: number } | 'too_large'> {
  const hash = createHash('sha256');
  let bytes = 0;
  let done = false;
  const out = await open(file, 'wx', 0o600);
  try {
    for await (const chunk of source) {
      const former = upload.parts.get(partNumber)?.bytes ?? 0;
      if (upload.bytes - former + chunk.length > maxFile) return 'too_large';
      upload.bytes += chunk.length;
      bytes += chunk.length;
      hash.update(chunk);
      await out.writeFile(chunk);
    }
    done = true;
    return { etag: hash.digest('hex'), bytes };
  } finally {
    await out.close();
    if (!done) {
      upload.bytes -= bytes;
      await rm(file, { force: true });
    }
  }
}

/** Writes the parts in order into `joined`, synced; `false` if the result isn't the file that was announced. */
async function joinParts(upload: Upload, parts: readonly UploadedPart[], joined: string): Promise<boolean> {
  const ordered = [...parts].sort((a, b) => a.partNumber - b.partNumber);
  const numbers = new Set(ordered.map((part) => part.partNumber));
  if (numbers.size !== ordered.length || numbers.size !== upload.parts.size) return false;
  const hash = createHash('sha256');
  const out = await open(joined, 'wx', 0o600);
  try {
    for (const { partNumber, etag } of ordered) {
      if (upload.parts.get(partNumber)?.etag !== etag) return false;
      const ofPart = createHash('sha256');
      for await (const chunk of createReadStream(join(upload.folder, String(partNumber))) as AsyncIterable<Buffer>) {
        ofPart.update(chunk);
        hash.update(chunk);
        await out.writeFile(chunk);
      }
      if (ofPart.digest('hex') !== etag) return false;
    }
    await out.sync();
  } finally {
    await out.close();
  }
  return hash.update(String(upload.mode)).digest('hex') === upload.hash;
}
