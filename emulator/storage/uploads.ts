import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, mkdirSync, rmSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Quota } from './quota.ts';
import { asRefusal, type Bytes, type Received, receive } from './receive.ts';
import { Refusal } from './refusal.ts';

interface Part {
  readonly partNumber: number;
  /** With or without the quotes of the header. */
  readonly etag: string;
}

/** Uploads in progress: `T` describes the target of each, `R` is the result. */
export interface Uploads<T, R> {
  /** @returns an id that can't be guessed: knowing it is the right to upload */
  begin(about: T): string;
  /** Stores a part (from 1), replacing an earlier one. @returns its etag, without quotes */
  putPart(uploadId: string, partNumber: number, source: Bytes): Promise<string>;
  /** Joins the listed parts. A repeated call returns the same result: clients repeat requests that took long. */
  complete(uploadId: string, parts: readonly Part[]): Promise<R>;
  /** The whole content in one body instead of parts; a body sent again replaces the first one. */
  putWhole(uploadId: string, source: Bytes): Promise<R>;
  /** Unknown ids are ignored. */
  cancel(uploadId: string): Promise<void>;
}

export interface UploadsDeps<T, R> {
  /** Emptied at start: ids are kept in memory, so uploads of an earlier emulator can't be completed any more. */
  readonly folder: string;
  readonly quota: Quota;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Takes over the file (moves it) and its bytes in the quota. */
  readonly keep: (about: T, content: Received) => Promise<R>;
}

interface Upload<T, R> {
  readonly about: T;
  readonly folder: string;
  readonly beganAt: number;
  readonly parts: Map<number, Received>;
  completion?: Promise<R>;
}

const forgottenAfterMs = 24 * 60 * 60 * 1000;
const maxParts = 10_000;

/** @throws Refusal `not_found` for unknown ids, `bad_request` for parts that don't fit, `full` */
export function createUploads<T, R>({ folder, quota, clock, keep }: UploadsDeps<T, R>): Uploads<T, R> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const uploads = new Map<string, Upload<T, R>>();

  function find(uploadId: string): Upload<T, R> {
    const upload = uploads.get(uploadId);
    if (!upload) throw new Refusal('not_found', 'There is no such upload; start it again.');
    return upload;
  }

  async function cancel(uploadId: string): Promise<void> {
    const upload = uploads.get(uploadId);
    uploads.delete(uploadId);
    if (upload) await drop(upload);
  }

  async function drop(upload: Upload<T, R>): Promise<void> {
    for (const part of upload.parts.values()) quota.give(part.size);
    upload.parts.clear();
    await rm(upload.folder, { recursive: true, force: true });
  }

  async function receiveInto({ folder: into }: Upload<T, R>, source: Bytes): Promise<Received> {
    await mkdir(into, { recursive: true, mode: 0o700 });
    return receive(source, join(into, randomBytes(8).toString('hex')), { quota });
  }

  async function joinAndKeep(upload: Upload<T, R>, parts: readonly Part[]): Promise<R> {
    const chosen = select(upload.parts, parts);
    const single = chosen.length === 1 ? chosen[0] : undefined;
    const joined = single ?? (await concatenate(chosen, join(upload.folder, 'joined')));
    const value = await keep(upload.about, joined);
    // Its bytes now belong to the content; the rest is released.
    for (const [number, part] of upload.parts) if (chosen.includes(part)) upload.parts.delete(number);
    await drop(upload);
    return value;
  }

  return {
    begin(about) {
      const now = clock();
      for (const [id, upload] of uploads) {
        if (now - upload.beganAt > forgottenAfterMs) void cancel(id).catch(() => {});
      }
      const uploadId = randomBytes(24).toString('hex');
      uploads.set(uploadId, { about, folder: join(folder, uploadId), beganAt: now, parts: new Map() });
      return uploadId;
    },
    async putPart(uploadId, partNumber, source) {
      const upload = find(uploadId);
      if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > maxParts) {
        throw new Refusal('bad_request', `Parts are numbered from 1 to ${maxParts}.`);
      }
      const part = await receiveInto(upload, source);
      const former = upload.parts.get(partNumber);
      if (uploads.get(uploadId) !== upload || upload.completion) {
        quota.give(part.size);
        await rm(part.file, { force: true });
        throw new Refusal('not_found', 'The upload was completed or cancelled while this part arrived.');
      }
      upload.parts.set(partNumber, part);
      if (former) {
        quota.give(former.size);
        await rm(former.file, { force: true });
      }
      return part.md5;
    },
    complete(uploadId, parts) {
      const upload = find(uploadId);
      upload.completion ??= joinAndKeep(upload, parts).catch((error: unknown) => {
        delete upload.completion;
        throw asRefusal(error);
      });
      return upload.completion;
    },
    async putWhole(uploadId, source) {
      const upload = find(uploadId);
      const content = await receiveInto(upload, source);
      try {
        return await keep(upload.about, content);
      } catch (error) {
        quota.give(content.size);
        throw error;
      } finally {
        await rm(content.file, { force: true });
      }
    },
    cancel,
  };
}

function select(stored: ReadonlyMap<number, Received>, parts: readonly Part[]): readonly Received[] {
  if (parts.length === 0) throw new Refusal('bad_request', 'An upload must have at least one part.');
  const ordered = [...parts].sort((a, b) => a.partNumber - b.partNumber);
  return ordered.map(({ partNumber, etag }, index) => {
    const part = stored.get(partNumber);
    if (part === undefined || ordered[index - 1]?.partNumber === partNumber || part.md5 !== unquoted(etag)) {
      throw new Refusal('bad_request', `Part ${partNumber} does not match the uploaded one.`);
    }
    return part;
  });
}

/** `"abc"`, `W/"abc"` and `abc` are one etag. */
function unquoted(etag: string): string {
  return etag.replace(/^(?:W\/)?"(.*)"$/, '$1');
}

async function concatenate(parts: readonly Received[], file: string): Promise<Received> {
  const hash = createHash('md5');
  let size = 0;
  const out = await open(file, 'w', 0o600);
  try {
    for (const part of parts) {
      for await (const chunk of createReadStream(part.file) as AsyncIterable<Buffer>) {
        hash.update(chunk);
        size += chunk.length;
        await out.writeFile(chunk);
      }
    }
    await out.sync();
  } finally {
    await out.close();
  }
  return { file, size, md5: hash.digest('hex') };
}
